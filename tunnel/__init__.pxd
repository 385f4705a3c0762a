"""The C face for plugins: ``from tunnel cimport Handler, batch_t, packet_t, wire``."""

from tunnel.arena cimport arena_t
from tunnel.batch cimport Batch, batch_clone, batch_emit, batch_t
from tunnel.device cimport Device
from tunnel.endpoint cimport endpoint_at, endpoint_new, endpoint_t
from tunnel.handler cimport Handler
from tunnel.packet cimport *
from tunnel.parse cimport parse_packet
from tunnel cimport wire
