"""What touches the machine: files of the user, files written, programs run, processes, the store of past results."""
