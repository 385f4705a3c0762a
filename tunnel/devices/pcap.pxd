"""Capture files as devices: C face."""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from tunnel.device cimport Device


cdef class Pcap(Device):
    cdef readonly object options      # PcapOptions
    cdef int file                     # -1 while closed
    cdef void *reader                 # capture_t; its fd is ours while reading
    cdef uint8_t *buffer              # the reader's window, or blocks to write
    cdef uint32_t used                # bytes of it to write
    cdef uint64_t size                # bytes of whole blocks in the file
    cdef uint64_t written             # packets
    cdef uint64_t refused
    cdef readonly uint64_t foreign    # packets of other link types, passed over
    cdef uint32_t other               # link type of the last of them
    cdef int64_t epoch_ns             # what turns CLOCK_MONOTONIC into Unix time
