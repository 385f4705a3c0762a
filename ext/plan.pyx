"""A plan: the graph made ready for the data path, and its steps."""

from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free

from tunnel.batch cimport Batch, batch_settle, batch_t
from tunnel.blame cimport plan_blame
from tunnel.breath cimport plan_breathe, plan_exhale
from tunnel.device cimport Device
from tunnel.dwell cimport plan_dwell
from tunnel.handler cimport Handler
from tunnel.scatter cimport plan_scatter
from tunnel.send cimport plan_flush
from tunnel.stage cimport (
    link_t, stage_deadline, stage_device, stage_forget, stage_free, stage_handler, stage_t,
    stages_earliest, stages_fit, stages_reached,
)

from tunnel import reasons

cdef enum:
    ROUNDS = 8                # times that punts are served, or exceptions met, in one step


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
            self._add(place, who)
        for source, port, target, into in links:
            self._link(source, port, target, into)
        stages_fit(&self.c)

    def __dealloc__(self):
        cdef uint32_t i
        if self.c.stages != NULL:
            for i in range(self.c.count):
                stage_free(&self.c.stages[i])
            free(self.c.stages)

    def _add(self, uint32_t place, who):
        cdef stage_t *stage = &self.c.stages[place]
        stage.inbox = _batch(self)
        if isinstance(who, Handler):
            stage.punts = _batch(self)
            stage_handler(stage, who)
        else:
            stage_device(stage, who, &self.c.uncounted)

    def _link(self, source, port, target, into):
        cdef uint32_t place = self.objects.index(source), goal = self.objects.index(target)
        if not 0 <= port < self.c.stages[place].ports or not 0 <= into < self.c.stages[goal].ports:
            raise ValueError(f"link from port {port} of {source} to port {into} of {target}: there is no such port")
        self.c.stages[place].out[<uint32_t> port] = link_t(goal, into)

    def feeders(self, Device device not None) -> list:
        """The devices whose packets may come to this one: to be paused while it is blocked."""
        place = self.objects.index(device)
        return [self.objects[i] for i in range(self.c.handlers, self.c.count) if place in stages_reached(&self.c, i)]

    def breathe(self, Device device not None, uint64_t now_ns) -> bool:
        """Receive from a device and see the packets through. True where there may be more.

        Raises ``DeviceClosed`` (its ``device`` says which one) and, if ``strict``, what a handler
        raises; what waits inside then is left to ``exhale``. ``RuntimeError`` from inside a step.
        """
        return plan_step(self, plan_place(self, device), now_ns, False)

    def watch(self, Device device not None, bint watched) -> None:
        """A loop watches this device, or no longer does: packets of it may be served without asking the loop."""
        self.c.stages[plan_place(self, device)].fd = device.fd if watched else -1

    def tick(self, uint64_t now_ns) -> None:
        """Call ``tick`` of the handlers whose deadline is over, and send what they emit."""
        cdef uint32_t i
        _begin(self, now_ns)
        try:
            for i in range(self.c.handlers):
                if 0 < stage_deadline(&self.c.stages[i]) <= now_ns:
                    self._call_tick(i)
            self._exhale()
        finally:
            self.busy = False

    def deadline(self) -> int:
        """The earliest ``deadline_ns`` of all handlers, 0 for none."""
        self.c.told_ns = stages_earliest(&self.c)
        return self.c.told_ns

    def flush(self, Device device not None, uint64_t now_ns) -> bool:
        """Send what the device holds. True once nothing is left."""
        cdef uint32_t place = plan_place(self, device)
        _begin(self, now_ns)
        try:
            with nogil:
                plan_flush(&self.c, place)
        except BaseException as error:
            plan_blame(&self.c, error, self.strict, self.quarantine_after)
        finally:
            self.busy = False
        return self.c.stages[place].tail.count == 0

    def blocked(self) -> list:
        """The devices that have become blocked since it was last asked."""
        cdef uint32_t i
        if not self.c.blocked:
            return []
        self.c.blocked = False
        return [self.objects[i] for i in range(self.c.handlers, self.c.count) if self.c.stages[i].tail.count]

    def waiting(self) -> bool:
        """Packets may wait inside (rounds used up, something raised): ``exhale`` is to be called soon."""
        return self.c.waiting

    def exhale(self, uint64_t now_ns) -> None:
        """Go on with what waits inside, without receiving."""
        _begin(self, now_ns)
        try:
            self._exhale()
        finally:
            self.busy = False

    def end(self) -> None:
        """The run is over: what still waits inside, and what devices hold, is dropped as CLOSED."""
        cdef uint32_t i
        for i in range(self.c.count):
            stage_forget(&self.c.stages[i], reasons.CLOSED)
        self.c.waiting = self.c.punted = False

    def _exhale(self):
        cdef uint32_t _
        for _ in range(ROUNDS):
            try:
                with nogil:
                    plan_exhale(&self.c)
                if not self.c.punted:
                    return
                self._serve_punts()
            except BaseException as error:
                plan_blame(&self.c, error, self.strict, self.quarantine_after)
        self.c.waiting = True

    def _serve_punts(self):
        """Step 6: one call a handler; what it decides goes on with the next steps."""
        cdef uint32_t i
        self.c.punted = False
        for i in range(self.c.handlers):
            if self.c.stages[i].quarantined:
                stage_forget(&self.c.stages[i], reasons.QUARANTINED)
            elif self.c.stages[i].punts.count:
                self._call_punted(i)

    def _call_punted(self, uint32_t i):
        cdef stage_t *stage = &self.c.stages[i]
        cdef batch_t *batch = stage.punts
        stage.punts, self.c.spare = self.c.spare, NULL
        _in_hand(self, i, batch)
        self.objects[i].punted(<Batch> batch.face)
        batch_settle(batch)
        _decided(self, stage)

    def _call_tick(self, uint32_t i):
        """An empty batch to emit into, scattered like any other."""
        cdef Handler handler = self.objects[i]
        cdef batch_t *batch = self.c.spare
        self.c.spare = NULL
        _in_hand(self, i, batch)
        handler.deadline_ns = 0
        try:
            handler.deadline_ns = handler.tick(self.c.now_ns, <Batch> batch.face) or 0
            batch_settle(batch)
            _decided(self, &self.c.stages[i])
        except BaseException as error:
            plan_blame(&self.c, error, self.strict, self.quarantine_after)


cdef uint32_t plan_place(Plan self, Device device) except? 0xffffffff:
    """Where the device stands among the stages."""
    return <uint32_t> self.objects.index(device)


cdef bint plan_step(Plan self, uint32_t place, uint64_t now_ns, bint stay) except -1:
    """Breathe; with ``stay``, as long as packets keep coming to any device that the loop watches."""
    cdef int more
    _begin(self, now_ns)
    try:
        more = _receive(self, place, stay)
        if more < 0 or self.c.punted:
            self._exhale()
        return more != 0
    finally:
        self.busy = False


cdef int _receive(Plan self, uint32_t place, bint stay) except? -2:
    """Steps 1 to 5: 1 where there may be more, 0 where not, -1 after a handler has raised."""
    cdef int more
    try:
        with nogil:
            more = plan_breathe(&self.c, place)
            if stay:
                plan_dwell(&self.c)
        return more
    except BaseException as error:
        plan_blame(&self.c, error, self.strict, self.quarantine_after)
    return -1


cdef bint plan_asks(Plan self) noexcept:
    """Something is to be seen to by who drives the plan: ``deadline``, ``blocked`` or ``waiting`` changed."""
    return self.c.blocked or self.c.waiting or stages_earliest(&self.c) != self.c.told_ns


cdef batch_t *_batch(Plan self) except NULL:
    batch = Batch(self.arena)
    self.batches.append(batch)
    return &(<Batch> batch).c


cdef int _begin(Plan self, uint64_t now_ns) except -1:
    """A step begins; handlers and devices, which are called in it, may not begin another."""
    if self.busy:
        raise RuntimeError("the plan is at work: a handler or a device may not call it")
    self.busy = True
    self.c.now_ns = now_ns
    return 0


cdef void _in_hand(Plan self, uint32_t i, batch_t *batch) noexcept:
    self.c.at, self.c.hand = i, batch
    batch.now_ns = self.c.now_ns


cdef void _decided(Plan self, stage_t *stage) noexcept:
    cdef batch_t *batch = self.c.hand
    self.c.hand = NULL
    self.c.spare = plan_scatter(&self.c, stage, batch)
