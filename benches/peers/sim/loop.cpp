// The loop that one writes by hand around a Verilator model: `loop STIMULUS PASSES`.
// Prints CYCLES PROCESSOR_SECONDS SUM_OF_FIRST_PASS SUM_OF_ALL.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "Vdigits.h"
#include "verilated.h"

// Ports driven, in the order of their numbers in the stimulus.
#define INPUTS(X) \
    X(aresetn) X(s_axil_awaddr) X(s_axil_awvalid) X(s_axil_wdata) X(s_axil_wstrb) X(s_axil_wvalid) X(s_axil_bready) \
    X(s_axil_araddr) X(s_axil_arvalid) X(s_axil_rready) X(s_axis_tdata) X(s_axis_tvalid) X(s_axis_tlast) \
    X(m_axis_tready) X(l0_op_ready) X(l0_adc_valid) X(l0_adc_code) X(l1_op_ready) X(l1_adc_valid) X(l1_adc_code)
// Ports sampled after each rising edge.
#define OUTPUTS(X) \
    X(s_axis_tready) X(m_axis_tvalid) X(m_axis_tdata) X(l0_op_valid) X(l0_adc_ready) X(l0_col_on) X(l1_op_valid) \
    X(l1_adc_ready) X(l1_col_on)

enum Port : uint64_t {
#define NUMBER(name) PORT_##name,
    INPUTS(NUMBER)
#undef NUMBER
};

int main(int argc, char** argv) {
    if (argc != 3) return std::fprintf(stderr, "arguments: STIMULUS PASSES\n"), 2;
    const uint64_t passes = std::strtoull(argv[2], nullptr, 10);
    std::ifstream file{argv[1], std::ios::binary};
    std::string names;
    std::getline(file, names);
    std::string expected;
#define NAME(name) expected += expected.empty() ? #name : " " #name;
    INPUTS(NAME)
#undef NAME
    if (names != expected) return std::fprintf(stderr, "the stimulus drives %s\n", names.c_str()), 2;
    // Number of cycles, then per cycle the number of changes and each as port and value.
    std::vector<uint64_t> words;
    for (uint64_t word; file.read(reinterpret_cast<char*>(&word), sizeof(word));) words.push_back(word);

    const auto context = std::make_unique<VerilatedContext>();
    const auto top = std::make_unique<Vdigits>(context.get());
    top->aclk = 0;
    top->eval();
    uint64_t sum = 0;
    uint64_t first = 0;
    const std::clock_t started = std::clock();
    for (uint64_t pass = 0; pass < passes; ++pass) {
        const uint64_t* at = words.data();
        for (uint64_t cycles = *at++; cycles; --cycles) {
            for (uint64_t changes = *at++; changes; --changes, at += 2) {
                switch (at[0]) {
#define SET(name) case PORT_##name: top->name = at[1]; break;
                    INPUTS(SET)
#undef SET
                }
            }
            context->timeInc(1);
            top->aclk = 1;
            top->eval();
#define SAMPLE(name) sum = (sum << 5 | sum >> 59) ^ top->name;
            OUTPUTS(SAMPLE)
#undef SAMPLE
            context->timeInc(1);
            top->aclk = 0;
            top->eval();
        }
        if (pass == 0) first = sum;
    }
    const double took = static_cast<double>(std::clock() - started) / CLOCKS_PER_SEC;
    std::printf("%llu %.9f %016llx %016llx\n", static_cast<unsigned long long>(passes * words[0]), took,
                static_cast<unsigned long long>(first), static_cast<unsigned long long>(sum));
    top->final();
    return 0;
}
