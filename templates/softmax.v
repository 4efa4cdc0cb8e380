`default_nettype none
// Softmax of the output layer: exp(r_i) over the sum of all exp(r_j), from ADC codes to activation codes of full scale 1.
//
// The codes pass three times:
//   1. as they arrive, to the memory and the search for the largest;
//   2. from the memory through the table of exponentials, exp(code - largest), to the sum; then a divider turns the sum into its
//      reciprocal, two bits per cycle;
//   3. from the memory through the same table, times the reciprocal, rounded.
// With the largest code taken off, the sum lies between 1 and OUTPUTS whatever the full scale of the codes is: no word has to be
// normalised.
//
// Latency: from the last beat of codes to the first of activations BEATS + QUOTIENT_BITS / 2 + 6 cycles, then a beat per cycle.
// The next vector may begin when the last activation beat is out.
module ${ name }$_softmax #(
    parameter OUTPUTS       = 10,  // words of a vector, at least 2
    parameter LANES         = 8,   // words per beat
    parameter BEATS         = 2,   // beats of a vector
    parameter BEAT_BITS     = 1,   // bits of a beat number
    parameter ADC_BITS      = 8,   // bits of a code
    parameter DAC_BITS      = 8,   // bits of an activation
    parameter EXP_BITS      = 14,  // bits of an exponential; 2^(EXP_BITS-1) stands for 1
    parameter SUM_BITS      = 17,  // bits of OUTPUTS of them
    parameter QUOTIENT_BITS = 12   // bits of the reciprocal, an even number, at least DAC_BITS + 3
) (
    input  wire                      clk,
    input  wire                      rst_n,
    input  wire                      in_valid,   // beat of codes
    input  wire                      in_last,    // it is the last of its vector
    input  wire [LANES*ADC_BITS-1:0] in_code,    // lowest word first; words beyond OUTPUTS may be anything
    output wire [BEAT_BITS-1:0]      next_beat,  // beat that comes out in the next cycle
    output reg                       out_valid,  // beat of activations
    output reg                       out_last,
    output reg  [BEAT_BITS-1:0]      out_beat,
    output reg  [LANES*DAC_BITS-1:0] out_data
);
  localparam TAIL      = OUTPUTS - (BEATS - 1) * LANES;  // words of the last beat
  localparam PRODUCT   = EXP_BITS + QUOTIENT_BITS - 1;   // an exponential of 1 over a sum of 1 is 2^(PRODUCT-1)
  localparam SHIFT     = PRODUCT - DAC_BITS;
  localparam STEPS     = QUOTIENT_BITS / 2;              // cycles of the division
  localparam STEP_BITS = $clog2(STEPS) + 1;
  localparam [31:0] BEAT_LAST = BEATS - 1;
  localparam [31:0] STEP_LAST = STEPS - 1;
  // The third pass begins so that its first exponential meets the finished quotient.
  localparam [31:0] STEP_EMIT = STEPS - 3;
  localparam [BEAT_BITS-1:0]       BEAT_ONE   = 1;
  localparam [STEP_BITS-1:0]       STEP_ONE   = 1;
  localparam [LANES-1:0]           TAIL_LANES = {LANES{1'b1}} >> (LANES - TAIL);
  localparam [ADC_BITS-1:0]        LOWEST     = {1'b1, {(ADC_BITS - 1) {1'b0}}};
  localparam [PRODUCT-1:0]         HALF       = {{(PRODUCT - 1) {1'b0}}, 1'b1} << (SHIFT - 1);
  localparam [PRODUCT-1:0]         LIMIT      = {{(PRODUCT - DAC_BITS + 1) {1'b0}}, {(DAC_BITS - 1) {1'b1}}};
  // Leading bits of the dividend, less than any sum; the rest of it is zero.
  localparam [SUM_BITS:0]          DIVIDEND   = {{SUM_BITS{1'b0}}, 1'b1} << (EXP_BITS - 2);

  // Largest of the enabled words: a tree, node n above nodes 2n + 1 and 2n + 2.
  function [ADC_BITS-1:0] largest_of;
    input [LANES*ADC_BITS-1:0] codes;
    input [LANES-1:0]          enabled;
    reg [(2*LANES-1)*ADC_BITS-1:0] node;
    integer n;
    begin
      for (n = 0; n < LANES; n = n + 1) begin
        node[(LANES-1+n)*ADC_BITS+:ADC_BITS] = enabled[n] ? codes[n*ADC_BITS+:ADC_BITS] : LOWEST;
      end
      for (n = LANES - 2; n >= 0; n = n - 1) begin
        node[n*ADC_BITS+:ADC_BITS] =
            ($signed(node[(2*n+1)*ADC_BITS+:ADC_BITS]) > $signed(node[(2*n+2)*ADC_BITS+:ADC_BITS])) ?
            node[(2*n+1)*ADC_BITS+:ADC_BITS] : node[(2*n+2)*ADC_BITS+:ADC_BITS];
      end
      largest_of = node[0+:ADC_BITS];
    end
  endfunction

  // Sum of the enabled words, the same way.
  function [SUM_BITS-1:0] sum_of;
    input [LANES*EXP_BITS-1:0] terms;
    input [LANES-1:0]          enabled;
    reg [(2*LANES-1)*SUM_BITS-1:0] node;
    integer n;
    begin
      for (n = 0; n < LANES; n = n + 1) begin
        node[(LANES-1+n)*SUM_BITS+:SUM_BITS] =
            enabled[n] ? {{(SUM_BITS - EXP_BITS) {1'b0}}, terms[n*EXP_BITS+:EXP_BITS]} : {SUM_BITS{1'b0}};
      end
      for (n = LANES - 2; n >= 0; n = n - 1) begin
        node[n*SUM_BITS+:SUM_BITS] = node[(2*n+1)*SUM_BITS+:SUM_BITS] + node[(2*n+2)*SUM_BITS+:SUM_BITS];
      end
      sum_of = node[0+:SUM_BITS];
    end
  endfunction

  // --- First pass: memory, largest code -----------------------------------------------------------------------------------
  reg [BEAT_BITS-1:0] in_beat_q;
  reg                 found_q;       // largest of a beat is there
  reg                 found_first_q; // it is that of the first beat
  reg [ADC_BITS-1:0]  found_code_q;
  reg [ADC_BITS-1:0]  largest_q;

  always @(posedge clk) begin
    if (!rst_n) begin
      in_beat_q <= {BEAT_BITS{1'b0}};
      found_q   <= 1'b0;
    end else begin
      if (in_valid) in_beat_q <= in_last ? {BEAT_BITS{1'b0}} : in_beat_q + BEAT_ONE;
      found_q <= in_valid;
    end
  end

  always @(posedge clk) begin
    if (in_valid) begin
      found_first_q <= in_beat_q == {BEAT_BITS{1'b0}};
      found_code_q  <= largest_of(in_code, in_last ? TAIL_LANES : {LANES{1'b1}});
    end
    if (found_q && (found_first_q || $signed(found_code_q) > $signed(largest_q))) largest_q <= found_code_q;
  end

  // --- Second and third pass: code, exponential, then sum or product, one cycle each -----------------------------------------
  reg                 read_q;  // a beat of codes is read
  reg                 emit_q;  // in the third pass
  reg [BEAT_BITS-1:0] beat_q;
  wire                beat_end = beat_q == BEAT_LAST[BEAT_BITS-1:0];
  wire                emit_start;

  always @(posedge clk) begin
    if (!rst_n) begin
      read_q <= 1'b0;
      beat_q <= {BEAT_BITS{1'b0}};
    end else begin
      read_q <= (in_valid && in_last) || emit_start || (read_q && !beat_end);
      if (read_q) beat_q <= beat_end ? {BEAT_BITS{1'b0}} : beat_q + BEAT_ONE;
    end
  end

  always @(posedge clk) begin
    if (in_valid) emit_q <= 1'b0;
    else if (emit_start) emit_q <= 1'b1;
  end

  reg [3:1]           valid_q;  // by stage: codes, exponentials, beat sums or products
  reg [3:1]           last_q;
  reg [BEAT_BITS-1:0] code_beat_q;
  reg [BEAT_BITS-1:0] exp_beat_q;
  reg [BEAT_BITS-1:0] product_beat_q;

  always @(posedge clk) begin
    if (!rst_n) valid_q <= 3'b000;
    else valid_q <= {valid_q[2:1], read_q};
  end

  always @(posedge clk) begin
    last_q         <= {last_q[2:1], beat_end};
    code_beat_q    <= beat_q;
    exp_beat_q     <= code_beat_q;
    product_beat_q <= exp_beat_q;
  end

  wire [LANES*ADC_BITS-1:0] code;
  ${ name }$_vector_mem #(
      .WIDTH    (LANES * ADC_BITS),
      .DEPTH    (BEATS),
      .ADDR_BITS(BEAT_BITS)
  ) u_codes (
      .clk    (clk),
      .wr_en  (in_valid),
      .wr_addr(in_beat_q),
      .wr_data(in_code),
      .rd_en  (read_q),
      .rd_addr(beat_q),
      .rd_data(code)
  );

  // No code of the vector is above the largest: the difference wraps into an unsigned distance.
  reg [LANES*ADC_BITS-1:0] distance;
  integer d;
  always @* begin
    for (d = 0; d < LANES; d = d + 1) distance[d*ADC_BITS+:ADC_BITS] = largest_q - code[d*ADC_BITS+:ADC_BITS];
  end

  wire [LANES*EXP_BITS-1:0] exponential;
`ifdef YOSYS
  // A table for each lane, as for activations.
  localparam LOOKUPS = 1;
`else
  localparam LOOKUPS = LANES;
`endif
  generate
    genvar t;
    for (t = 0; t < LANES / LOOKUPS; t = t + 1) begin : gen_table
      ${ name }$_exp_table #(
          .LANES(LOOKUPS)
      ) u_table (
          .clk        (clk),
          .en         (valid_q[1]),
          .distance   (distance[t*LOOKUPS*ADC_BITS+:LOOKUPS*ADC_BITS]),
          .exponential(exponential[t*LOOKUPS*EXP_BITS+:LOOKUPS*EXP_BITS])
      );
    end
  endgenerate

  // --- Sum, and its reciprocal ------------------------------------------------------------------------------------------------
  reg [SUM_BITS-1:0] beat_sum_q;
  reg [SUM_BITS-1:0] sum_q;
  reg                summed_q;  // the sum is complete: the division begins

  always @(posedge clk) begin
    if (!rst_n) summed_q <= 1'b0;
    else summed_q <= valid_q[3] && last_q[3] && !emit_q;
  end

  always @(posedge clk) begin
    if (valid_q[2] && !emit_q) beat_sum_q <= sum_of(exponential, last_q[2] ? TAIL_LANES : {LANES{1'b1}});
    if (in_valid) sum_q <= {SUM_BITS{1'b0}};
    else if (valid_q[3] && !emit_q) sum_q <= sum_q + beat_sum_q;
  end

  reg  [STEP_BITS-1:0]     step_q;
  reg  [SUM_BITS:0]        remainder_q;
  reg  [QUOTIENT_BITS-1:0] quotient_q;
  wire                     divide   = summed_q || (step_q != {STEP_BITS{1'b0}});
  wire [SUM_BITS:0]        sum_wide = {1'b0, sum_q};

  assign emit_start = divide && (step_q == STEP_EMIT[STEP_BITS-1:0]);

  always @(posedge clk) begin
    if (!rst_n || (step_q == STEP_LAST[STEP_BITS-1:0])) step_q <= {STEP_BITS{1'b0}};
    else if (divide) step_q <= step_q + STEP_ONE;
  end

  // Two bits of the quotient: what is left of the dividend, doubled, holds the sum or not.
  wire [SUM_BITS:0] doubled_1 = ((step_q == {STEP_BITS{1'b0}}) ? DIVIDEND : remainder_q) << 1;
  wire              bit_1     = doubled_1 >= sum_wide;
  wire [SUM_BITS:0] doubled_0 = (bit_1 ? doubled_1 - sum_wide : doubled_1) << 1;
  wire              bit_0     = doubled_0 >= sum_wide;

  always @(posedge clk) begin
    if (divide) begin
      remainder_q <= bit_0 ? doubled_0 - sum_wide : doubled_0;
      quotient_q  <= {quotient_q[QUOTIENT_BITS-3:0], bit_1, bit_0};
    end
  end

  // --- Product, and the activation: rounded, limited to full scale ---------------------------------------------------------------
  reg [LANES*PRODUCT-1:0] product_q;

  function [DAC_BITS-1:0] activation_of;
    input [PRODUCT-1:0] product;
    reg [PRODUCT-1:0] rounded;
    begin
      rounded = (product + HALF) >> SHIFT;
      activation_of = (rounded > LIMIT) ? LIMIT[DAC_BITS-1:0] : rounded[DAC_BITS-1:0];
    end
  endfunction

  integer p;
  always @(posedge clk) begin
    if (valid_q[2] && emit_q) begin
      for (p = 0; p < LANES; p = p + 1) begin
        product_q[p*PRODUCT+:PRODUCT] <= {{(PRODUCT - EXP_BITS) {1'b0}}, exponential[p*EXP_BITS+:EXP_BITS]} *
            {{(PRODUCT - QUOTIENT_BITS) {1'b0}}, quotient_q};
      end
    end
  end

  integer a;
  always @(posedge clk) begin
    if (valid_q[3] && emit_q) begin
      for (a = 0; a < LANES; a = a + 1) out_data[a*DAC_BITS+:DAC_BITS] <= activation_of(product_q[a*PRODUCT+:PRODUCT]);
    end
  end

  always @(posedge clk) begin
    if (!rst_n) out_valid <= 1'b0;
    else out_valid <= valid_q[3] && emit_q;
  end

  always @(posedge clk) begin
    out_last <= last_q[3];
    out_beat <= product_beat_q;
  end

  assign next_beat = product_beat_q;
endmodule
`default_nettype wire
