"""The contract of handlers: two faces of one verb, each defaulting to the other."""

from libc.stdlib cimport calloc, free

from tunnel.batch cimport Batch, batch_settle

from tunnel import reasons

# The vtable slot of an instance against this class's own function (names as Cython mangles them).
cdef extern from *:
    """
    #define handler_slot_is_base(handler) \\
        ((handler)->__pyx_vtab->c_process == __pyx_f_6tunnel_7handler_7Handler_c_process)
    """
    bint handler_slot_is_base(Handler) noexcept nogil


cdef class Handler:
    """Decides about packets: the base of every handler.

    A subclass names its ``ports`` and overrides exactly one of ``process`` (Python) and
    ``c_process`` (Cython). It is given a batch in which every packet's ``egress`` is DROP and sets
    it to the number of a port, or to CONSUMED, HELD or PUNT; what it leaves is dropped as UNCLAIMED.

    ``accepts`` says what packets may carry when they enter, in bits of TUNSETOFFLOAD (``F_CSUM``,
    ``F_TSO4``, ...); with 0, the default, they come with complete checksums and no super-packets.
    ``brings`` says, in the same bits, what it makes itself and sends beyond what it was given: a handler
    that emits super-packets or unfinished checksums names them, so that they are fitted to what comes next.
    ``media`` names the medium of ports that take only one. ``overhead`` is how many bytes it adds to
    a packet that it encapsulates: devices in front of it shape their super-packets by it.

    ``parallel`` says that copies of it, one in each of several workers, are right: none needs to know
    what another has seen. Every class says so for itself; an object may withdraw it.
    """

    ports = ("port",)
    accepts = 0
    brings = 0
    overhead = 0
    media = {}
    parallel = False
    Options = None

    def __cinit__(self, *args, **kwargs):
        self.counters = <counters_t *> calloc(1, sizeof(counters_t))
        if self.counters == NULL:
            raise MemoryError("no memory for a handler's counters")
        self.name = ""

    def __dealloc__(self):
        free(self.counters)

    cdef int c_process(self, batch_t *batch) except -1 nogil:
        return handler_process_python(self, batch)

    def process(self, Batch batch not None) -> None:
        """Decide about every packet of the batch. Default: the C slot, without the GIL."""
        if handler_slot_is_base(self):
            raise NotImplementedError(f"{type(self).__name__} overrides neither process nor c_process")
        with nogil:
            self.c_process(&batch.c)

    def tick(self, uint64_t now_ns, Batch batch not None) -> int:
        """Called when ``deadline_ns`` is over; may emit. Returns the next deadline, 0 for none.

        After an exception there is no next deadline until ``process`` sets one.
        """
        return 0

    def punted(self, Batch batch not None) -> None:
        """Packets that the native code left to Python by PUNT; treated like ``process``."""

    def exposed(self) -> None:
        """Strangers can send to it, as behind a ``udp`` device: called before the run. Default: nothing."""

    def opened(self, uint64_t now_ns) -> None:
        """The engine starts; ``deadline_ns`` may be set here."""

    def closed(self) -> None:
        """The engine has stopped."""

    def port(self, str name) -> int:
        """The number of a port. Raises ``ValueError``."""
        return self.ports.index(name)

    def counts(self) -> dict:
        """rx, tx, emitted, cloned, held, consumed and drops by reason: see ``tunnel.counters``."""
        return counters_dict(self.counters)


cdef int handler_process_python(Handler handler, batch_t *batch) except -1 nogil:
    """Call ``process`` of a handler whose Python face is the one that decides."""
    with gil:
        _process(handler, <Batch> batch.face)
    return 0


cdef int _process(Handler handler, Batch batch) except -1:
    try:
        handler.process(batch)
    finally:
        batch_settle(&batch.c)
    return 0


def is_native(Handler handler not None) -> bool:
    """Packets reach its C slot directly; False where a Python ``process`` decides."""
    return not handler_slot_is_base(handler) and type(handler).process is Handler.process


def is_complete(Handler handler not None) -> bool:
    """It overrides one of the two faces."""
    return not handler_slot_is_base(handler) or type(handler).process is not Handler.process


def is_parallel(Handler handler not None) -> bool:
    """Copies may run in several workers: its own class says so, and nothing in how it is set up forbids it."""
    return bool(type(handler).__dict__.get("parallel")) and bool(handler.parallel)


def accepted(Handler handler not None) -> int:
    """What a handler takes: its ``accepts``, or 0 where it overrides ``process`` and does not say."""
    if is_native(handler):
        return handler.accepts
    says = next(cls for cls in type(handler).__mro__ if "accepts" in cls.__dict__ or "process" in cls.__dict__)
    return says.__dict__.get("accepts", 0)


cdef dict _tally(const tally_t *tally):
    return {"descriptors": tally.descriptors, "packets": tally.packets, "bytes": tally.bytes}


cdef dict counters_dict(const counters_t *counters):
    """The counters as plain dicts: three units for each verb, drops by the reason's name."""
    return {
        "rx": _tally(&counters.rx),
        "tx": _tally(&counters.tx),
        "emitted": _tally(&counters.emitted),
        "cloned": _tally(&counters.cloned),
        "held": _tally(&counters.held),
        "consumed": _tally(&counters.consumed),
        "drops": {
            reasons.name(number): _tally(&counters.drops[number])
            for number in range(REASONS_MAX)
            if counters.drops[number].packets
        },
    }
