// C++ side of the crate: one translation unit per model, put after a generated head that includes the model's class and
// defines VLRS_MODEL, VLRS_TRACE (0 none, 1 VCD, 2 FST), VLRS_COVERAGE and vlrs_fill_ports().
// Only the functions named vlrs_* leave the shared library, and no exception crosses them.
#include "verilated.h"
#include "verilated_syms.h"
#if VLRS_TRACE == 1
#include "verilated_vcd_c.h"
#elif VLRS_TRACE == 2
#include "verilated_fst_c.h"
#endif
#if VLRS_COVERAGE
#include "verilated_cov.h"
#endif
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#define VLRS_EXPORT extern "C" __attribute__((visibility("default")))

namespace {

// Bits of the status word that every call returning int hands back; 0 is the fast path.
enum Status : int { FINISHED = 1, STOPPED = 2, FATAL = 4, OUTPUT = 8, ENDED = FINISHED | STOPPED | FATAL };

// More text than this between two collections is cut: a $display in a loop must not eat the memory.
constexpr size_t OUTPUT_LIMIT = 1 << 20;

// Leaves eval() from inside the runtime, which expects vl_fatal() never to return.
struct FatalError final {};

struct Instance final {
    uint64_t serial = 0;
    int status = 0;
    bool evaluated = false;
    uint64_t cycles = 0;
    std::unique_ptr<VerilatedContext> context;
    std::unique_ptr<VLRS_MODEL> top;
    std::vector<VlrsSignal> ports;
    std::vector<VlrsSignal> taps;
    std::vector<std::string> tap_names;
    std::string output;
    bool output_cut = false;
    // First event wins: what follows a failure is usually its consequence.
    std::string event_file;
    int event_line = 0;
    std::string event_text;
#if VLRS_TRACE == 1
    std::unique_ptr<VerilatedVcdC> trace;
#elif VLRS_TRACE == 2
    std::unique_ptr<VerilatedFstC> trace;
#endif
    uint64_t trace_from = 0;
    uint64_t trace_to = 0;
};

// The runtime finds "its" context through a thread-local pointer, which is wrong as soon as two models share a thread. The serial
// number, not the address, tells whether the thread still belongs to this model: addresses are reused.
thread_local Instance* t_instance = nullptr;
thread_local uint64_t t_serial = 0;

inline void enter(Instance* self) {
    if (VL_UNLIKELY(t_serial != self->serial)) {
        t_serial = self->serial;
        t_instance = self;
        Verilated::threadContextp(self->context.get());
    }
}

void record(int kind, const char* file, int line, const std::string& text) {
    Instance* const self = t_instance;
    if (!self) return;
    if (!(self->status & ENDED)) {
        self->event_file = file ? file : "";
        self->event_line = line;
        self->event_text = text;
    }
    self->status |= kind;
}

// The last line a model printed: Verilator prints the text of $fatal and of a failed assertion before it stops.
std::string last_line(const std::string& text) {
    size_t end = text.find_last_not_of("\r\n");
    if (end == std::string::npos) return "";
    const size_t start = text.rfind('\n', end);
    return text.substr(start == std::string::npos ? 0 : start + 1, end - (start == std::string::npos ? 0 : start + 1) + 1);
}

template <typename Body> int guarded(Instance* self, Body body) {
    enter(self);
    try {
        body();
    } catch (const FatalError&) {
        // already recorded by vl_fatal
    } catch (const std::exception& error) {
        record(FATAL, "", 0, error.what());
    } catch (...) {
        record(FATAL, "", 0, "unknown C++ exception");
    }
    return self->status;
}

inline void dump(Instance* self) {
#if VLRS_TRACE
    if (VL_UNLIKELY(self->trace) && self->cycles >= self->trace_from && self->cycles <= self->trace_to)
        self->trace->dump(self->context->time());
#else
    (void)self;
#endif
}

inline void eval(Instance* self) {
    self->evaluated = true;
    self->top->eval();
}

// The very first evaluation takes the inputs as they are for those of the past: an edge there would be lost.
inline void settle_first(Instance* self) {
    if (VL_UNLIKELY(!self->evaluated)) eval(self);
}

// Constructing a model seeds the random state of the runtime, which all models of a library share.
std::mutex& construction() {
    static std::mutex mutex;
    return mutex;
}

void fill_taps(Instance* self) {
    const VerilatedScopeNameMap* const scopes = self->context->scopeNameMap();
    if (!scopes) return;
    for (const auto& scope : *scopes) {
        const VerilatedVarNameMap* const vars = scope.second->varsp();
        if (!vars) continue;
        for (const auto& var : *vars) {
            const VerilatedVar& v = var.second;
            if (v.isParam()) continue;
            const uint32_t width = static_cast<uint32_t>(v.elements(0));
            uint32_t bytes = 0;
            switch (v.vltype()) {
            case VLVT_UINT8: bytes = 1; break;
            case VLVT_UINT16: bytes = 2; break;
            case VLVT_UINT32: bytes = 4; break;
            case VLVT_UINT64: bytes = 8; break;
            case VLVT_WDATA: bytes = 4 * VL_WORDS_I(width); break;
            default: continue;
            }
            uint32_t elements = 1;
            for (int dim = 1; dim <= v.udims(); ++dim) elements *= static_cast<uint32_t>(v.elements(dim));
            self->tap_names.push_back(std::string{scope.first} + "." + var.first);
            self->taps.push_back(VlrsSignal{nullptr, width, 0, bytes, elements, v.datap()});
        }
    }
    for (size_t i = 0; i < self->taps.size(); ++i) self->taps[i].name = self->tap_names[i].c_str();
}

}  // namespace

//======================================================================
// What the runtime calls instead of printing, exiting and aborting

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
    record(FATAL, filename, linenum, msg ? msg : "");
    throw FatalError{};
}

//======================================================================
// The exported functions

VLRS_EXPORT uint32_t vlrs_abi() { return VLRS_ABI; }

VLRS_EXPORT Instance* vlrs_new(int seed, int rand_reset, int argc, const char** argv) {
    static uint64_t next_serial = 0;
    Instance* const self = new Instance;
    const std::lock_guard<std::mutex> lock{construction()};
    self->serial = ++next_serial;
    self->context.reset(new VerilatedContext);
    guarded(self, [&] {
        self->context->commandArgs(argc, argv);
        self->context->randReset(rand_reset);
        self->context->randSeed(seed);
#if VLRS_TRACE
        self->context->traceEverOn(true);
#endif
        self->top.reset(new VLRS_MODEL{self->context.get(), "TOP"});
        vlrs_fill_ports(self->top.get(), self->ports);
        fill_taps(self);
    });
    return self;
}

VLRS_EXPORT void vlrs_free(Instance* self) {
    guarded(self, [&] {
#if VLRS_TRACE
        if (self->trace) self->trace->close();
        self->trace.reset();
#endif
    });
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

VLRS_EXPORT int vlrs_cycle(Instance* self, uint8_t* clock) {
    if (VL_UNLIKELY(self->status & ENDED)) return self->status;
    return guarded(self, [&] {
        if (VL_UNLIKELY(!self->evaluated)) {
            *clock = 0;
            settle_first(self);
        }
        self->context->timeInc(1);
        *clock = 1;
        eval(self);
        dump(self);
        self->context->timeInc(1);
        *clock = 0;
        eval(self);
        dump(self);
        ++self->cycles;
    });
}

VLRS_EXPORT int vlrs_final(Instance* self) {
    if (self->status & FATAL) return self->status;
    return guarded(self, [&] { self->top->final(); });
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

// 0 opened, 1 built without trace, 2 the file cannot be written
VLRS_EXPORT int vlrs_trace_open(Instance* self, const char* path, uint64_t from, uint64_t to) {
#if VLRS_TRACE
    bool opened = false;
    guarded(self, [&] {
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

VLRS_EXPORT void vlrs_trace_close(Instance* self) {
#if VLRS_TRACE
    guarded(self, [&] {
        if (self->trace) self->trace->close();
        self->trace.reset();
    });
#else
    (void)self;
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
