// C++ side of the crate. These files are put together, after a generated head that defines VLRS_MODEL, VLRS_TRACE (0 none, 1 VCD, 2 FST),
// VLRS_COVERAGE, VLRS_SAVABLE and VLRS_RNG, and defines or declares the functions vlrs_model_*. Only the functions named vlrs_* leave the
// shared library, and no exception crosses them.
//
// This file: the state of an instance, and how its code is entered.
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
#if VLRS_SAVABLE
#include "verilated_save.h"
#endif
#include <algorithm>
#include <atomic>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
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

// Random numbers of one instance. The runtime keeps one state per thread, reseeded whenever any instance is: then what a model
// draws would depend on its neighbours.
struct Random final {
    int seed = 0;  // of the context, when the state was made; 0 is no seed
    uint64_t state[2] = {0, 0};
};

// One condition of a run: compares the bytes of a signal.
class Watch final {
    const uint8_t* m_data;
    size_t m_bytes;
    bool m_equal;  // holds when equal to the reference, or when different from it
    uint64_t m_narrow = 0;
    std::vector<uint8_t> m_wide;

    uint64_t load() const {
        switch (m_bytes) {
        case 1: return *m_data;
        case 2: return *reinterpret_cast<const uint16_t*>(m_data);
        case 4: return *reinterpret_cast<const uint32_t*>(m_data);
        default: return *reinterpret_cast<const uint64_t*>(m_data);
        }
    }

public:
    explicit Watch(const VlrsCondition& condition)
        : m_data{condition.data}
        , m_bytes{condition.bytes}
        , m_equal{condition.kind == VLRS_EQUALS} {
        const bool changes = condition.kind == VLRS_CHANGES;
        if (m_bytes <= 8) {
            m_narrow = changes ? load() : condition.value;
        } else if (changes) {
            m_wide.assign(m_data, m_data + m_bytes);
        } else {
            m_wide.assign(m_bytes, 0);
            std::memcpy(m_wide.data(), &condition.value, sizeof(condition.value));
        }
    }
    bool holds() const {
        const bool equal = m_bytes <= 8 ? load() == m_narrow : !std::memcmp(m_data, m_wide.data(), m_bytes);
        return equal == m_equal;
    }
};

// The conditions of a run. Signals lie close together in a model: those that may not change are looked at by the aligned word of eight
// bytes, with a mask of the bytes that count.
class Watches final {
    struct Word final {
        const uint8_t* data;
        uint64_t mask, value;
        uint64_t load() const {
            uint64_t value;
            std::memcpy(&value, data, sizeof(value));
            return value;
        }
    };
    std::vector<VlrsCondition> m_conditions;
    std::vector<Word> m_words;
    std::vector<Watch> m_others;
    std::vector<size_t> m_others_at;  // their conditions

    // Offset of the signal in its word, if the word holds all of it.
    static bool in_word(const VlrsCondition& condition, size_t& offset) {
        offset = reinterpret_cast<uintptr_t>(condition.data) % sizeof(uint64_t);
        return condition.kind == VLRS_CHANGES && offset + condition.bytes <= sizeof(uint64_t);
    }
    void compile(const VlrsCondition* conditions, size_t count) {
        m_conditions.assign(conditions, conditions + count);
        m_words.clear();
        m_others_at.clear();
        for (size_t i = 0; i < count; ++i) {
            size_t offset;
            if (!in_word(conditions[i], offset)) {
                m_others_at.push_back(i);
                continue;
            }
            const uint8_t* const data = conditions[i].data - offset;
            auto word = std::find_if(m_words.begin(), m_words.end(), [&](const Word& w) { return w.data == data; });
            if (word == m_words.end()) word = m_words.insert(word, Word{data, 0, 0});
            std::memset(reinterpret_cast<uint8_t*>(&word->mask) + offset, 0xff, conditions[i].bytes);
        }
    }
    bool holds(size_t i) const {
        size_t offset;
        const VlrsCondition& condition = m_conditions[i];
        if (!in_word(condition, offset)) {
            const size_t at = std::find(m_others_at.begin(), m_others_at.end(), i) - m_others_at.begin();
            return m_others[at].holds();
        }
        for (const Word& word : m_words) {
            if (word.data == condition.data - offset) {
                return std::memcmp(condition.data, reinterpret_cast<const uint8_t*>(&word.value) + offset, condition.bytes);
            }
        }
        return false;
    }

public:
    // Takes the signals as they are for those that changes are told from.
    void start(const VlrsCondition* conditions, size_t count) {
        const bool known = count == m_conditions.size()
                           && (!count || !std::memcmp(m_conditions.data(), conditions, count * sizeof(*conditions)));
        if (VL_UNLIKELY(!known)) compile(conditions, count);
        for (Word& word : m_words) word.value = word.load();
        m_others.clear();
        for (const size_t i : m_others_at) m_others.emplace_back(m_conditions[i]);
    }
    bool any() const {
        uint64_t changed = 0;
        for (const Word& word : m_words) changed |= (word.load() ^ word.value) & word.mask;
        if (changed) return true;
        for (const Watch& watch : m_others) {
            if (watch.holds()) return true;
        }
        return false;
    }
    // The first that holds, -1 if none does.
    int64_t first() const {
        for (size_t i = 0; i < m_conditions.size(); ++i) {
            if (holds(i)) return static_cast<int64_t>(i);
        }
        return -1;
    }
};

// The class may be known by name only.
struct FreeModel final {
    void operator()(VLRS_MODEL* model) const { vlrs_model_free(model); }
};

struct Instance final {
    uint64_t serial = 0;
    int status = 0;
    bool evaluated = false;
    uint64_t cycles = 0;
    std::unique_ptr<VerilatedContext> context;
    std::unique_ptr<VLRS_MODEL, FreeModel> top;
    std::vector<VlrsSignal> ports;
    std::vector<VlrsSignal> taps;
    std::vector<std::string> tap_names;
    std::string output;
    bool output_cut = false;
    // The clock of the last cycle.
    uint8_t* clock = nullptr;
    uint8_t* previous = nullptr;
    Random random;
    Watches watches;
    // First event wins: what follows a failure is usually its consequence.
    std::string event_file;
    int event_line = 0;
    std::string event_text;
#if VLRS_TRACE == 1
    std::unique_ptr<VerilatedVcdC> trace;
#elif VLRS_TRACE == 2
    std::unique_ptr<VerilatedFstC> trace;
#endif
    bool writing = false;  // a waveform
    uint64_t trace_from = 0;
    uint64_t trace_to = 0;
#if VLRS_SAVABLE
    std::vector<uint8_t> saved;
#endif
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

// While a waveform is written, vl_fatal must return: a destructor of the runtime may be on its way, and what it leaves must not throw.
class Writing final {
    Instance* const m_self;

public:
    explicit Writing(Instance* self)
        : m_self{self} {
        m_self->writing = true;
    }
    ~Writing() { m_self->writing = false; }
};

inline bool tracing(const Instance* self) {
#if VLRS_TRACE
    return VL_UNLIKELY(self->trace != nullptr);
#else
    (void)self;
    return false;
#endif
}

inline void dump(Instance* self) {
#if VLRS_TRACE
    if (tracing(self) && self->cycles >= self->trace_from && self->cycles <= self->trace_to) {
        const Writing writing{self};
        self->trace->dump(self->context->time());
    }
#else
    (void)self;
#endif
}

inline void eval(Instance* self) {
    self->evaluated = true;
    vlrs_model_eval(self->top.get());
}

// Any evaluation but the first.
inline void again(Instance* self) { vlrs_model_again(self->top.get()); }

// The very first evaluation takes the inputs as they are for those of the past: an edge there would be lost.
inline void settle_first(Instance* self) {
    if (VL_UNLIKELY(!self->evaluated)) eval(self);
}

inline void settle_low(Instance* self, uint8_t* clock) {
    if (VL_UNLIKELY(!self->evaluated)) {
        *clock = 0;
        eval(self);
    }
}

// Where the model remembers the clock, if it cannot see the falling edge; then that edge is only noted there.
inline uint8_t* previous_of(Instance* self, uint8_t* clock) {
    if (VL_UNLIKELY(self->clock != clock)) {
        self->clock = clock;
        self->previous = vlrs_model_previous(self->top.get(), clock);
    }
    return self->previous;
}

// `settled`: nothing but the clock has changed since the last evaluation.
inline void cycle(Instance* self, uint8_t* clock, uint8_t* previous, bool settled) {
    self->context->timeInc(1);
    if (previous && !*clock) *previous = 0;
    // A clock that is folded is no input of any logic.
    if (settled && previous) vlrs_model_settled(self->top.get());
    *clock = 1;
    again(self);
    dump(self);
    self->context->timeInc(1);
    *clock = 0;
    // A waveform looks for changes only after an evaluation.
    if (!previous || tracing(self)) again(self);
    dump(self);
    ++self->cycles;
}

// Newer versions keep several packed ranges and leave range 0 unset; older ones have one.
template <typename Var> auto packed_bits(const Var& var, int) -> decltype(static_cast<uint32_t>(var.entBits())) {
    return static_cast<uint32_t>(var.entBits());
}
template <typename Var> uint32_t packed_bits(const Var& var, long) { return static_cast<uint32_t>(var.elements(0)); }

void fill_taps(Instance* self) {
    const VerilatedScopeNameMap* const scopes = self->context->scopeNameMap();
    if (!scopes) return;
    for (const auto& scope : *scopes) {
        const VerilatedVarNameMap* const vars = scope.second->varsp();
        if (!vars) continue;
        for (const auto& var : *vars) {
            const VerilatedVar& v = var.second;
            if (v.isParam()) continue;
            const uint32_t width = packed_bits(v, 0);
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

#if VLRS_SAVABLE
// What a snapshot holds beyond the state that Verilator knows.
struct Extra final {
    uint64_t cycles;
    bool evaluated;
    Random random;
};

// Verilator's own streams go to files only.
class MemoryWriter final : public VerilatedSerialize {
    std::vector<uint8_t>& m_out;

public:
    explicit MemoryWriter(std::vector<uint8_t>& out)
        : m_out(out) {
        m_out.clear();
        m_isOpen = true;
        m_filename = "snapshot";
    }
    void flush() override {
        m_out.insert(m_out.end(), m_bufp, m_cp);
        m_cp = m_bufp;
    }
};

class MemoryReader final : public VerilatedDeserialize {
    const uint8_t* m_in;
    size_t m_left;

protected:
    void fill() override {
        const size_t kept = static_cast<size_t>(m_endp - m_cp);
        std::memmove(m_bufp, m_cp, kept);
        m_cp = m_bufp;
        const size_t more = std::min(m_left, bufferSize() - kept);
        std::memcpy(m_bufp + kept, m_in, more);
        m_in += more;
        m_left -= more;
        m_endp = m_bufp + kept + more;
    }

public:
    MemoryReader(const uint8_t* in, size_t size)
        : m_in{in}
        , m_left{size} {
        m_endp = m_bufp;
        m_isOpen = true;
        m_filename = "snapshot";
    }
};
#endif

}  // namespace

