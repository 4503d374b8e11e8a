"""Upper bounds of the numbers that a user may give, each stated once, with its reason.

They are far above anything that is built or trained. They exist so that a slip of the keyboard ends in a sentence, and
so that no product of accepted numbers leaves the range in which whole numbers are exact.
"""

EXACT = 2**53
"""Whole numbers beyond it are not exact in a float, nor are counts that are products of them."""

MOST_MACS = 2**50
"""Multiply-accumulates of one layer: counts of words per tensor are some times larger and must stay exact."""

FACTOR_DIGITS = 15
"""Decimal digits of a factor of a mapping; with more of them it is above `MOST_MACS` (2^50 has 16)."""

MOST_SWEPT = 2**14
"""Values that one name of a case may take: beyond the largest M of N:M, which has four digits."""

MOST_PER_DIMENSION = 2**24
"""Channels, pixels, kernel positions or tokens along one dimension; the widest published layers have below 2^20."""

MOST_WEIGHTS = 2**36
"""Weights of one layer; the mask alone would be 8 GiB. The largest published layers have below 2^31."""

MOST_INSTANCES = 2**24
"""Instances of one level; the largest chips have below 2^20 multipliers."""

MOST_BITS = 2**20
"""Bits of a word, and words or metadata bits of one access; a whole DRAM row has 2^16 bits."""

MOST_KB = 2**40
"""KB of one level: an exabyte, and with words of one bit 2^53 of them."""

MOST_WORDS_PER_CYCLE = 2**40
"""Bandwidth; whoever means "as fast as wanted" leaves it out."""

MOST_PJ = 1e15
"""Energy of one action in pJ: a kilojoule."""

MOST_UM2 = 1e12
"""Area of one component in um2: a square metre, a dozen wafers."""

MOST_GHZ, MOST_NM, MOST_V = 1000.0, 100_000.0, 1000.0
"""Clock, node and supply: a hundred times what was ever sold, of the first chips' 10 um and of 12 V."""
