"""A plan: the graph made ready for the data path, and what is done when something raises."""

import logging

from libc.stdint cimport uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free

from tunnel.batch cimport batch_settle, batch_t
from tunnel.breath cimport plan_breathe, plan_exhale, plan_flush
from tunnel.device cimport Device
from tunnel.handler cimport Handler
from tunnel.hold cimport hold_free, hold_new
from tunnel.packet cimport packet_drop
from tunnel.scatter cimport plan_scatter
from tunnel.stage cimport NOWHERE, link_t, stage_t

from tunnel import reasons
from tunnel.errors import DeviceClosed
from tunnel.handler import is_native

cdef enum:
    TAIL_LIMIT = 8388608      # bytes that one device may hold back

log = logging.getLogger("tunnel")


cdef class Plan:
    """Stages, links and batches of one engine.

    ``handlers`` and ``devices`` are sequences of objects, ``links`` of ``(source, port, target,
    port)`` with the objects themselves and port numbers (a device's is 0). With ``strict`` an
    exception of a handler is raised; otherwise its batch is dropped and counted, and after
    ``quarantine_after`` exceptions in a row the handler is passed over.
    """

    def __init__(self, handlers, devices, links, *, bint strict=False, unsigned int quarantine_after=10):
        self.objects = [*handlers, *devices]
        self.batches = []
        self.arena = Arena()
        self.strict = strict
        self.quarantine_after = quarantine_after
        self.c.arena = &self.arena.c
        self.c.handlers = <uint32_t> len(handlers)
        self.c.count = <uint32_t> len(self.objects)
        self.c.stages = <stage_t *> calloc(max(self.c.count, 1), sizeof(stage_t))
        if self.c.stages == NULL:
            raise MemoryError("no memory for the plan")
        self.c.spare = _batch(self)
        self.c.fitted = _batch(self)
        for place, who in enumerate(self.objects):
            _stage(self, &self.c.stages[place], who)
        for source, port, target, into in links:
            self._link(self.objects.index(source), port, self.objects.index(target), into)
        self._fit()

    def __dealloc__(self):
        cdef uint32_t i
        if self.c.stages == NULL:
            return
        for i in range(self.c.count):
            free(self.c.stages[i].out)
            if self.c.stages[i].tail != NULL:
                hold_free(self.c.stages[i].tail)
        free(self.c.stages)

    def _link(self, uint32_t source, uint32_t port, uint32_t target, uint16_t into):
        self.c.stages[source].out[port].target = target
        self.c.stages[source].out[port].port = into

    def _fit(self):
        """Mark the stages that packets may reach which they do not accept."""
        cdef uint32_t i
        for i in range(self.c.handlers, self.c.count):
            for place in self._reached(i):
                if (<Device> self.objects[i]).brings & ~self.c.stages[place].accepts:
                    self.c.stages[place].fit = True

    def _reached(self, uint32_t start):
        """The places that packets of stage ``start`` may come to."""
        cdef uint32_t place, port
        found = set()
        todo = [start]
        while todo:
            place = todo.pop()
            for port in range(self.c.stages[place].ports):
                target = self.c.stages[place].out[port].target
                if target != NOWHERE and target not in found:
                    found.add(target)
                    if target < self.c.handlers:
                        todo.append(target)
        return found

    def feeders(self, Device device not None) -> list:
        """The devices whose packets may come to this one: to be paused while it is blocked."""
        place = self.objects.index(device)
        return [self.objects[i] for i in range(self.c.handlers, self.c.count) if place in self._reached(i)]

    def breathe(self, Device device not None, uint64_t now_ns) -> bool:
        """Receive from a device and see the packets through. True where there may be more.

        Raises ``DeviceClosed`` (its ``device`` says which one) and, if ``strict``, what a handler raises.
        """
        cdef uint32_t place = <uint32_t> self.objects.index(device)
        cdef int more
        self.c.now_ns = now_ns
        while True:
            try:
                with nogil:
                    more = plan_breathe(&self.c, place)
            except Exception as error:
                _blame(self, error)
                continue
            if not self.c.punted:
                return more == 1
            self._serve_punts()

    def tick(self, uint64_t now_ns) -> None:
        """Call ``tick`` of the handlers whose deadline is over, and send what they emit."""
        cdef uint32_t i
        self.c.now_ns = now_ns
        for i in range(self.c.handlers):
            handler = <Handler> self.objects[i]
            if 0 < (<Handler> handler).deadline_ns <= now_ns:
                self._call(i, handler.tick)
        self._exhale()

    def deadline(self) -> int:
        """The earliest ``deadline_ns`` of all handlers, 0 for none."""
        cdef uint32_t i
        cdef uint64_t at, earliest = 0
        for i in range(self.c.handlers):
            at = (<Handler> self.c.stages[i].who).deadline_ns
            if at and (not earliest or at < earliest):
                earliest = at
        return earliest

    def flush(self, Device device not None, uint64_t now_ns) -> bool:
        """Send what the device holds. True once nothing is left."""
        cdef uint32_t place = <uint32_t> self.objects.index(device)
        self.c.now_ns = now_ns
        try:
            with nogil:
                plan_flush(&self.c, place)
        except Exception as error:
            _blame(self, error)
        return self.c.stages[place].tail.count == 0

    def blocked(self) -> list:
        """The devices that have become blocked since it was last asked."""
        cdef uint32_t i
        if not self.c.blocked:
            return []
        self.c.blocked = False
        return [self.objects[i] for i in range(self.c.handlers, self.c.count) if self.c.stages[i].tail.count]

    def waiting(self) -> bool:
        """Rounds were used up: packets wait inside, ``exhale`` is to be called soon."""
        return self.c.waiting

    def exhale(self, uint64_t now_ns) -> None:
        """Go on with what waits inside, without receiving."""
        self.c.now_ns = now_ns
        self._exhale()

    def _exhale(self):
        while True:
            try:
                with nogil:
                    plan_exhale(&self.c)
            except Exception as error:
                _blame(self, error)
                continue
            if not self.c.punted:
                return
            self._serve_punts()

    def _serve_punts(self):
        """Step 6: one call a handler; what it decides goes on with the next steps."""
        cdef uint32_t i
        self.c.punted = False
        for i in range(self.c.handlers):
            if self.c.stages[i].punts.count:
                self._call_punted(i)

    def _call_punted(self, uint32_t i):
        cdef stage_t *stage = &self.c.stages[i]
        cdef batch_t *batch = stage.punts
        self.c.at, self.c.hand = i, batch
        batch.now_ns = self.c.now_ns
        try:
            self.objects[i].punted(<Batch> batch.face)
            batch_settle(batch)
        except Exception as error:
            _blame(self, error)
            return
        self.c.hand = NULL
        stage.punts = plan_scatter(&self.c, stage, batch)

    def _call(self, uint32_t i, method):
        """``tick``: an empty batch to emit into, scattered like any other."""
        cdef stage_t *stage = &self.c.stages[i]
        cdef batch_t *batch = self.c.spare
        self.c.at, self.c.hand, self.c.spare = i, batch, NULL
        batch.now_ns = self.c.now_ns
        (<Handler> stage.who).deadline_ns = 0
        try:
            (<Handler> stage.who).deadline_ns = method(self.c.now_ns, <Batch> batch.face) or 0
            batch_settle(batch)
        except Exception as error:
            _blame(self, error)
            return
        self.c.hand = NULL
        self.c.spare = plan_scatter(&self.c, stage, batch)


cdef batch_t *_batch(Plan self) except NULL:
    batch = Batch(self.arena)
    self.batches.append(batch)
    return &(<Batch> batch).c


cdef int _stage(Plan self, stage_t *stage, who) except -1:
    cdef uint32_t port
    stage.who = <void *> who
    stage.inbox = _batch(self)
    stage.ports = <uint32_t> len(who.ports) if isinstance(who, Handler) else 1
    stage.out = <link_t *> calloc(max(stage.ports, 1), sizeof(link_t))
    if stage.out == NULL:
        raise MemoryError("no memory for the plan")
    for port in range(stage.ports):
        stage.out[port].target = NOWHERE
    if isinstance(who, Handler):
        return _handler_stage(self, stage, who)
    stage.counters = (<Device> who).counters
    stage.entering = stage.leaving = &self.c.uncounted
    stage.accepts = (<Device> who).accepts
    stage.tail = hold_new(TAIL_LIMIT)
    return 0


cdef int _handler_stage(Plan self, stage_t *stage, who) except -1:
    stage.counters = (<Handler> who).counters
    stage.entering = &stage.counters.rx
    stage.leaving = &stage.counters.tx
    stage.punts = _batch(self)
    stage.python = not is_native(who)
    stage.accepts = accepted(who)
    return 0


cdef int _blame(Plan self, error) except -1:
    """A stage raised: drop what it had in hand, count it, and say so once."""
    cdef stage_t *stage = &self.c.stages[self.c.at]
    who = <object> stage.who
    closed = isinstance(error, DeviceClosed)
    _bury(self, stage, reasons.CLOSED if closed else reasons.RAISED)
    if self.strict or closed or isinstance(who, Device):
        error.device = who if isinstance(who, Device) else None
        raise error
    stage.failures += 1
    if stage.failures == 1:
        log.error("handler %s raised; its packets are dropped", who.name or type(who).__name__, exc_info=error)
    if stage.failures >= self.quarantine_after and not stage.quarantined:
        stage.quarantined = True
        log.error("handler %s raised %d times in a row and is passed over from now on", who.name, stage.failures)
    return 0


cdef int _bury(Plan self, stage_t *stage, uint16_t reason) except -1:
    cdef batch_t *batch = self.c.hand
    cdef uint32_t i
    if batch == NULL:
        return 0
    batch_settle(batch)
    for i in range(batch.count):
        packet_drop(&batch.packets[i], reason)
    batch = plan_scatter(&self.c, stage, batch)
    self.c.hand = NULL
    if batch == stage.punts:
        return 0
    self.c.spare = batch
    return 0


def accepted(Handler handler not None) -> int:
    """What the handler takes: its ``accepts``, but 0 where a Python class overrides a native
    one's ``process`` and does not itself say what it takes."""
    if is_native(handler):
        return handler.accepts
    for cls in type(handler).__mro__:
        if "accepts" in cls.__dict__:
            return cls.accepts if cls.__flags__ & (1 << 9) else 0
        if "process" in cls.__dict__:
            return 0
    return 0
