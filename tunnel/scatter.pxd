"""Links: where packets go by their egress. Entry points for ``tunnel.breath``; not for plugins."""

from tunnel.batch cimport batch_t
from tunnel.stage cimport plan_t, stage_t


cdef batch_t *plan_scatter(plan_t *plan, stage_t *stage, batch_t *batch) noexcept nogil
