"""What the plan puts in front of a device or handler that accepts less than a packet carries. C face.

``fit_batch`` appends to ``out``, in order, what ``batch`` holds: descriptors that may pass as they are,
packets whose checksum it has completed, and in place of a super-packet its segments, which keep ingress,
egress, endpoint, mark, hops and flags of the original. Both batches share one arena. A super-packet
that is malformed becomes DROP with BAD_GSO or BAD_CHECKSUM, one for which there is no room DROP with
NO_ROOM. It returns how many packets of ``batch``, from the front, are in ``out``: fewer than all only
where no memory was left for descriptors.
"""

from libc.stdint cimport uint32_t

from tunnel.batch cimport batch_t

cdef uint32_t fit_batch(const batch_t *batch, batch_t *out, uint32_t accepts) noexcept nogil
