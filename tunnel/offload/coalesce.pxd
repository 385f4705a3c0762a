"""Joining packets of one batch into super-packets. C face.

``coalesce_batch`` works in place: where packets were joined, a super-packet stands at the place of the
first of them, an ordinary one that stands for as many wire packets as it was made of. ``join`` holds
the feature_t bits of what may be made; without F_CSUM nothing is.
"""

from libc.stdint cimport uint32_t

from tunnel.batch cimport batch_t

cdef void coalesce_batch(batch_t *batch, uint32_t join) noexcept nogil
