// The exported functions.

VLRS_EXPORT uint32_t vlrs_abi() { return VLRS_ABI; }

VLRS_EXPORT Instance* vlrs_new(int seed, int rand_reset, int argc, const char** argv) {
    static std::atomic<uint64_t> next_serial{0};
    Instance* const self = new Instance;
    self->serial = ++next_serial;
    self->context.reset(new VerilatedContext);
    guarded(self, [&] {
        self->context->commandArgs(argc, argv);
        self->context->randReset(rand_reset);
        self->context->randSeed(seed);
#if VLRS_TRACE
        self->context->traceEverOn(true);
#endif
        self->top.reset(vlrs_model_new(self->context.get()));
        self->ports.resize(vlrs_model_ports(self->top.get(), nullptr));
        vlrs_model_ports(self->top.get(), self->ports.data());
        // Undriven inputs are not part of a random start: a clock that begins high would lose its first edge.
        for (const VlrsSignal& port : self->ports) {
            if (port.direction == 0) std::memset(port.data, 0, port.bytes);
        }
        fill_taps(self);
    });
    return self;
}

// 0 closed, or there was none; else FATAL: what was left could not be written (see the event).
VLRS_EXPORT int vlrs_trace_close(Instance* self) {
#if VLRS_TRACE
    const int before = self->status;
    guarded(self, [&] {
        const Writing writing{self};
        if (self->trace) self->trace->close();
        self->trace.reset();
    });
    return self->status & ~before & FATAL;
#else
    (void)self;
    return 0;
#endif
}

VLRS_EXPORT void vlrs_free(Instance* self) {
    vlrs_trace_close(self);
    guarded(self, [&] { self->top.reset(); });
    guarded(self, [&] { self->context.reset(); });
    // The runtime must not keep a pointer to a context that is gone.
    t_serial = 0;
    t_instance = nullptr;
    Verilated::threadContextp(Verilated::defaultContextp());
    delete self;
}

VLRS_EXPORT void vlrs_ports(const Instance* self, const VlrsSignal** table, size_t* count) {
    *table = self->ports.data();
    *count = self->ports.size();
}

VLRS_EXPORT void vlrs_taps(const Instance* self, const VlrsSignal** table, size_t* count) {
    *table = self->taps.data();
    *count = self->taps.size();
}

VLRS_EXPORT int vlrs_status(const Instance* self) { return self->status; }

VLRS_EXPORT int vlrs_eval(Instance* self) {
    if (VL_UNLIKELY(self->status & ENDED)) return self->status;
    return guarded(self, [&] { eval(self); });
}

VLRS_EXPORT int vlrs_step(Instance* self, uint64_t ticks) {
    if (VL_UNLIKELY(self->status & ENDED)) return self->status;
    return guarded(self, [&] {
        self->context->timeInc(ticks);
        eval(self);
        dump(self);
    });
}

// `settled`: no input has been written since the last evaluation.
VLRS_EXPORT int vlrs_cycle(Instance* self, uint8_t* clock, int settled) {
    if (VL_UNLIKELY(self->status & ENDED)) return self->status;
    return guarded(self, [&] {
        settle_low(self, clock);
        cycle(self, clock, previous_of(self, clock), settled && self->evaluated);
    });
}

// Runs until one of the conditions holds after a cycle (`hit` is its index), or `limit` cycles have run (`hit` is -1), or the model ends.
VLRS_EXPORT int vlrs_run(Instance* self, uint8_t* clock, int settled, uint64_t limit, const VlrsCondition* conditions,
                         size_t count, int64_t* hit) {
    *hit = -1;
    if (VL_UNLIKELY(self->status & ENDED)) return self->status;
    return guarded(self, [&] {
        settle_low(self, clock);
        uint8_t* const previous = previous_of(self, clock);
        Watches& watches = self->watches;
        watches.start(conditions, count);
        for (uint64_t n = 0; n < limit; ++n) {
            cycle(self, clock, previous, n > 0 || settled);
            if (VL_UNLIKELY(self->status & ENDED)) return;
            if (watches.any()) {
                *hit = watches.first();
                return;
            }
        }
    });
}

VLRS_EXPORT int vlrs_folded(Instance* self, uint8_t* clock) { return vlrs_model_previous(self->top.get(), clock) != nullptr; }

VLRS_EXPORT int vlrs_final(Instance* self) {
    if (self->status & FATAL) return self->status;
    return guarded(self, [&] { vlrs_model_final(self->top.get()); });
}

VLRS_EXPORT uint64_t vlrs_cycles(const Instance* self) { return self->cycles; }

VLRS_EXPORT uint64_t vlrs_time(const Instance* self) { return self->context->time(); }

VLRS_EXPORT void vlrs_event(const Instance* self, const char** file, int* line, const char** text) {
    *file = self->event_file.c_str();
    *line = self->event_line;
    *text = self->event_text.c_str();
}

VLRS_EXPORT void vlrs_output(const Instance* self, const char** text, size_t* length) {
    *text = self->output.data();
    *length = self->output.size();
}

VLRS_EXPORT void vlrs_output_clear(Instance* self) {
    self->output.clear();
    self->output_cut = false;
    self->status &= ~OUTPUT;
}

// 0 opened, 1 built without trace, 2 the file cannot be written. Without a path it only tells whether there is a trace.
VLRS_EXPORT int vlrs_trace_open(Instance* self, const char* path, uint64_t from, uint64_t to) {
#if VLRS_TRACE
    if (!path) return 0;
    bool opened = false;
    guarded(self, [&] {
        const Writing writing{self};
        if (self->trace) self->trace->close();
#if VLRS_TRACE == 1
        self->trace.reset(new VerilatedVcdC);
#else
        self->trace.reset(new VerilatedFstC);
#endif
        self->top->trace(self->trace.get(), 99);
        self->trace->open(path);
        opened = self->trace->isOpen();
        if (!opened) {
            self->trace.reset();
            return;
        }
        self->trace_from = from;
        self->trace_to = to;
        settle_first(self);
        dump(self);
    });
    return opened ? 0 : 2;
#else
    (void)self, (void)path, (void)from, (void)to;
    return 1;
#endif
}


// 0 written, 1 built without coverage
VLRS_EXPORT int vlrs_coverage_write(Instance* self, const char* path) {
#if VLRS_COVERAGE
    guarded(self, [&] { self->context->coveragep()->write(path); });
    return 0;
#else
    (void)self, (void)path;
    return 1;
#endif
}

// 0 written, 1 built without, 2 failed (see the event)
VLRS_EXPORT int vlrs_save(Instance* self, const uint8_t** data, size_t* size) {
#if VLRS_SAVABLE
    guarded(self, [&] {
        MemoryWriter writer{self->saved};
        const Extra extra{self->cycles, self->evaluated, self->random};
        writer.write(&extra, sizeof(extra));
        writer << self->context.get();
        vlrs_model_save(self->top.get(), writer);
        writer.flush();
    });
    *data = self->saved.data();
    *size = self->saved.size();
    return self->status & FATAL ? 2 : 0;
#else
    (void)self, (void)data, (void)size;
    return 1;
#endif
}

// The model alone: its registers, memories and ports, without time, cycles and random numbers. 0 written, 1 built without, 2 failed
VLRS_EXPORT int vlrs_state(Instance* self, const uint8_t** data, size_t* size) {
#if VLRS_SAVABLE
    guarded(self, [&] {
        MemoryWriter writer{self->saved};
        vlrs_model_save(self->top.get(), writer);
        writer.flush();
        // The model writes its context along: the time, and padding that could hold anything.
        std::vector<uint8_t> context;
        MemoryWriter context_writer{context};
        context_writer << self->context.get();
        context_writer.flush();
        const auto at = std::search(self->saved.begin(), self->saved.end(), context.begin(), context.end());
        if (at != self->saved.end()) self->saved.erase(at, at + static_cast<std::ptrdiff_t>(context.size()));
    });
    *data = self->saved.data();
    *size = self->saved.size();
    return self->status & FATAL ? 2 : 0;
#else
    (void)self, (void)data, (void)size;
    return 1;
#endif
}

VLRS_EXPORT int vlrs_restore(Instance* self, const uint8_t* data, size_t size) {
#if VLRS_SAVABLE
    guarded(self, [&] {
        MemoryReader reader{data, size};
        Extra extra;
        reader.read(&extra, sizeof(extra));
        reader >> self->context.get();
        vlrs_model_restore(self->top.get(), reader);
        self->cycles = extra.cycles;
        self->evaluated = extra.evaluated;
        self->random = extra.random;
        // What ended the run lies in the future of the restored state.
        self->status &= ~ENDED;
    });
    return self->status & FATAL ? 2 : 0;
#else
    (void)self, (void)data, (void)size;
    return 1;
#endif
}
