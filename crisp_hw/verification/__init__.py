"""The embedded engine against the installed Timeloop, on the same documents."""

from crisp_hw.verification.document import verification_document
from crisp_hw.verification.verify import Verified, verify_documents

__all__ = ["Verified", "verification_document", "verify_documents"]
