// What the runtime calls instead of printing, exiting, aborting and drawing from a random state of the thread.

int verilated_rs_vprintf(const char* format, va_list args) {
    Instance* const self = t_instance;
    if (!self) return std::vprintf(format, args);
    va_list again;
    va_copy(again, args);
    const int length = std::vsnprintf(nullptr, 0, format, again);
    va_end(again);
    if (length <= 0) return length;
    self->status |= OUTPUT;
    if (self->output.size() + static_cast<size_t>(length) > OUTPUT_LIMIT) {
        if (!self->output_cut) self->output += "[output cut: over 1 MiB since it was last collected]\n";
        self->output_cut = true;
        return length;
    }
    const size_t old = self->output.size();
    self->output.resize(old + static_cast<size_t>(length) + 1);
    std::vsnprintf(&self->output[old], static_cast<size_t>(length) + 1, format, args);
    self->output.resize(old + static_cast<size_t>(length));
    return length;
}

int verilated_rs_printf(const char* format, ...) {
    va_list args;
    va_start(args, format);
    const int length = verilated_rs_vprintf(format, args);
    va_end(args);
    return length;
}

void vl_finish(const char* filename, int linenum, const char*) VL_MT_UNSAFE {
    record(FINISHED, filename, linenum, "$finish");
    Verilated::threadContextp()->gotFinish(true);
}

void vl_stop(const char* filename, int linenum, const char*) VL_MT_UNSAFE {
    const std::string line = t_instance ? last_line(t_instance->output) : "";
    const bool told = line.find("%Fatal") != std::string::npos || line.find("%Error") != std::string::npos;
    record(STOPPED, filename, linenum, told ? line : "$stop");
    Verilated::threadContextp()->gotError(true);
    Verilated::threadContextp()->gotFinish(true);
}

void vl_fatal(const char* filename, int linenum, const char*, const char* msg) VL_MT_UNSAFE {
    Instance* const self = t_instance;
    if (self && self->writing) {
        // The runtime closes the file by itself. This counts even when the model had ended before.
        self->event_file.clear();
        self->event_line = 0;
        self->event_text = std::string{"cannot write the waveform: "} + (msg ? msg : "");
        self->status |= FATAL;
        return;
    }
    record(FATAL, filename, linenum, msg ? msg : "");
    throw FatalError{};
}

//======================================================================
// Random numbers. These definitions take the place of the runtime's own: the linker keeps the first one it sees.

namespace {

inline uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

// The state of the running instance. $random with a seed changes the seed of the context, and so starts a new stream.
inline Random& current_random() {
    // Threads of a multi-threaded model never enter through the exported functions.
    static thread_local Random t_worker;
    Random& random = t_instance ? t_instance->random : t_worker;
    const int seed = Verilated::threadContextp()->randSeed();
    if (VL_UNLIKELY(random.seed != seed)) {
        random.seed = seed;
        random.state[0] = mix(static_cast<uint64_t>(seed) + 0x9e3779b97f4a7c15ULL);
        random.state[1] = mix(random.state[0] + 0x9e3779b97f4a7c15ULL);
    }
    return random;
}

}  // namespace

#if VLRS_RNG
static_assert(sizeof(VlRNG) == sizeof(Random::state), "the random state of this Verilator has another size");
VlRNG& VlRNG::vl_thread_rng() VL_MT_SAFE {
    // A generator is nothing but its state.
    return *reinterpret_cast<VlRNG*>(current_random().state);
}
#else
// xoroshiro128+ by Blackman and Vigna, as in the runtime
uint64_t vl_rand64() VL_MT_SAFE {
    uint64_t* const s = current_random().state;
    const uint64_t result = s[0] + s[1];
    s[1] ^= s[0];
    s[0] = ((s[0] << 55) | (s[0] >> 9)) ^ s[1] ^ (s[1] << 14);
    s[1] = (s[1] << 36) | (s[1] >> 28);
    return result;
}
#endif

