"""The contract of devices: ``recv`` and ``send``, each with two faces."""

import logging
import os

from libc.stdlib cimport calloc, free

from tunnel.batch cimport Batch, batch_settle
from tunnel.handler cimport counters_dict

from tunnel.errors import ConfigError

log = logging.getLogger("tunnel")

cdef extern from *:
    """
    #define device_recv_is_base(device) \\
        ((device)->__pyx_vtab->c_recv == __pyx_f_6tunnel_6device_6Device_c_recv)
    #define device_send_is_base(device) \\
        ((device)->__pyx_vtab->c_send == __pyx_f_6tunnel_6device_6Device_c_send)
    """
    bint device_recv_is_base(Device) noexcept nogil
    bint device_send_is_base(Device) noexcept nogil


cdef class Device:
    """Moves packets between a batch and the world: the base of every device.

    ``open`` acquires what it needs and sets ``fd`` (pollable), ``brings`` and ``accepts``; ``close``
    gives it back and may be called twice. ``recv`` and ``send`` are overridden in Python, or as the
    slots ``c_recv`` and ``c_send`` in Cython. A device that is gone raises ``DeviceClosed``.

    A class whose devices strangers can send to says ``exposed = True``: handlers that such packets
    reach are told (``Handler.exposed``). One that sends several packets at once says how many bytes
    that may be (``send_max``).
    """

    exposed = False
    send_max = 0
    Options = None

    def __cinit__(self, *args, **kwargs):
        self.counters = <counters_t *> calloc(1, sizeof(counters_t))
        if self.counters == NULL:
            raise MemoryError("no memory for a device's counters")
        self.name = ""
        self.fd = -1

    def __dealloc__(self):
        free(self.counters)

    cdef int c_recv(self, batch_t *batch) except -1 nogil:
        with gil:
            return _called(self, "recv", batch)

    cdef int c_send(self, batch_t *batch) except -1 nogil:
        with gil:
            return _called(self, "send", batch)

    def recv(self, Batch batch not None) -> int:
        """Append up to 64 packets, or a few runs (see ``Udp``); how many came, 0 where it would block."""
        if device_recv_is_base(self):
            raise NotImplementedError(f"{type(self).__name__} overrides neither recv nor c_recv")
        cdef int done
        with nogil:
            done = self.c_recv(&batch.c)
        return done

    def send(self, Batch batch not None) -> int:
        """Send from the front; how many packets are done with. Fewer than all: it would block.

        A packet that cannot be sent is done with too: its ``reason`` says why. A device that finds out that
        it cannot send packets of some kind after all takes that kind out of ``accepts`` and stops in front
        of the first: it is given the rest again, cut or completed. It may not take back what it took out.
        """
        if device_send_is_base(self):
            raise NotImplementedError(f"{type(self).__name__} overrides neither send nor c_send")
        cdef int done
        with nogil:
            done = self.c_send(&batch.c)
        return done

    def check(self) -> None:
        """Raise ``ConfigError`` for what can be known to be wrong before it is opened."""

    def leads_to(self, int send_max, int overhead) -> None:
        """Before ``open``: what it brings leaves, ``overhead`` bytes a packet longer, by sends of ``send_max`` bytes.

        Default: nothing.
        """

    def open(self) -> None:
        """Acquire the file descriptor. Raises ``DeviceError``; nothing is left half-built."""

    def close(self) -> None:
        """Give everything back. May be called again."""

    def queues(self, int count) -> list:
        """``count`` devices, none of them open, that share what this one describes, flow by flow.

        One for each worker; they are opened in this order. Raises ``ConfigError`` where it cannot be
        shared, as here.
        """
        raise ConfigError(
            f"{self.name}: a {type(self).__name__} cannot be shared among {count} workers, expected workers = 1"
        )

    def leave(self) -> None:
        """Close what this process has of it, and undo nothing: another one has it open, since a fork."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def __enter__(self):
        self.open()
        return self

    def __exit__(self, *exc):
        self.close()

    def kernel_drops(self) -> dict:
        """What the kernel dropped on this device's account and nobody else's; kept after ``close``.

        Since the device was first opened, over all its openings, in packets as the kernel counts them
        (a super-packet once). Its names are the kernel's: ``rx``, a socket had no room for what came;
        ``tx``, the queue of an interface from the kernel to us was full. None: it could not be read.
        No packet pays for it; a 32-bit counter of the kernel is taken to wrap at most once a reading.
        """
        return {}

    def namespace_drops(self) -> dict:
        """What the kernel dropped in the namespace of its socket, whoever's it was; kept after ``close``.

        By the namespace's name, a ``tunnel.counters.NamespaceDrops`` since the first device of this
        process opened a socket there, or None where that cannot be read.
        """
        return {}

    def offloads(self) -> dict:
        """Of each of its ``tunnel.offloads``: ``on``, how often it was ``used``, and ``refused`` by the kernel."""
        return {}

    def counts(self) -> dict:
        """rx, tx, held and drops by reason: see ``tunnel.counters``."""
        return counters_dict(self.counters)


cdef int _called(Device device, str verb, batch_t *batch) except -1:
    """A verb that is written in Python; faces that it keeps become private."""
    try:
        done = getattr(device, verb)(<Batch> batch.face)
    finally:
        batch_settle(batch)
    if not 0 <= done <= <long> batch.count:
        raise ValueError(f"{type(device).__name__}.{verb} returned {done} of a batch of {batch.count}")
    return done


cdef dict offload_dict(const offload_t *offload):
    """A row of ``Device.offloads``."""
    return {"on": offload.on, "used": offload.used, "refused": offload.refused}


cdef int offload_refuse(Device device, str name, offload_t *offload, int error) except -1 with gil:
    """The kernel did not take what an offload made: it is off from now on, and one warning says so."""
    offload.refused += 1
    if offload.on:
        offload.on = False
        log.warning(
            "%s: the kernel refuses %s (%s); it is switched off, everything works without; "
            "TUNNEL_NO_OFFLOAD=%s does so from the start", device.name, name, os.strerror(error), name,
        )
    return 0
