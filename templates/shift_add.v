`default_nettype none
// Shift and add: the codes of a read's bit planes to the codes of the read.
//
// The lowest bit comes first, as in a serial multiplier: a sum moves right by one bit with each plane, so that the adder is one
// bit wider than a code whatever DAC_BITS is, and no bit is lost. Row codes are two's complement: the last plane of a forward
// read is subtracted. A transposed read has a plane less, its sums end one bit higher. One memory word holds the sums of a group.
// Latency: none; the codes of the last plane leave as the codes of the read, rounded and limited, in the cycle in which they come.
module ${ name }$_shift_add #(
    parameter ADCS       = 8,  // codes per group
    parameter ADC_BITS   = 8,  // bits of a code
    parameter DAC_BITS   = 8,  // planes of a forward read
    parameter GROUPS     = 4,  // groups of the longest read of any layer
    parameter GROUP_BITS = 2,  // bits of a group number
    parameter LAYERS     = ${ layers }$   // layers
) (
    input  wire                     clk,
    input  wire                     rst_n,
    input  wire [LAYERS-1:0]        fwd_start,    // a forward read of this layer starts
    input  wire [LAYERS-1:0]        back_start,   // a transposed read of this layer starts
    input  wire                     code_valid,   // a group of codes of a plane
    input  wire                     code_last,    // the plane's last
    input  wire                     plane_first,  // it is the first plane of its read
    input  wire                     plane_last,   // it is the last
    input  wire [ADCS*ADC_BITS-1:0] code_data,
    output wire                     sum_valid,    // the same group of the read
    output reg  [ADCS*ADC_BITS-1:0] sum_data
);
  localparam LOW_BITS = DAC_BITS - 1;
  localparam SUM_BITS = ADC_BITS + 1 + LOW_BITS;
  localparam [GROUP_BITS-1:0] GROUP_STEP = 1;

  // --- Whose read it is; a read is over before the next one delivers its first code --------------------------------------------
<%- if shifts.len() > 1 %>
  reg [LAYERS-1:0] layer_q;
<%- endif %>
  reg              back_q;
  always @(posedge clk) begin
    if (|fwd_start || |back_start) begin
<%- if shifts.len() > 1 %>
      layer_q <= fwd_start | back_start;
<%- endif %>
      back_q  <= |back_start;
    end
  end

  // --- Sums: those of the next group are read ahead -------------------------------------------------------------------------------
  reg  [GROUP_BITS-1:0]    group_q;
  wire [GROUP_BITS-1:0]    group_d = !code_valid ? group_q : code_last ? {GROUP_BITS{1'b0}} : group_q + GROUP_STEP;
  reg  [ADCS*SUM_BITS-1:0] total;
  reg  [ADCS*SUM_BITS-1:0] next;
  wire [ADCS*SUM_BITS-1:0] stored;
  always @(posedge clk) begin
    if (!rst_n) group_q <= {GROUP_BITS{1'b0}};
    else group_q <= group_d;
  end

  ${ name }$_vector_mem #(
      .WIDTH    (ADCS * SUM_BITS),
      .DEPTH    (GROUPS),
      .ADDR_BITS(GROUP_BITS)
  ) u_sums (
      .clk    (clk),
      .wr_en  (code_valid),
      .wr_addr(group_q),
      .wr_data(next),
      .rd_en  (1'b1),
      .rd_addr(group_d),
      .rd_data(stored)
  );

  // A plane of one group may be followed at once by the next plane's: its sums do not wait for the memory.
  reg                      around_q;
  reg  [ADCS*SUM_BITS-1:0] next_q;
  wire                     around = code_valid && (group_d == group_q);
  always @(posedge clk) begin
    around_q <= around;
    if (around) next_q <= next;
  end
  wire [ADCS*SUM_BITS-1:0] sum = around_q ? next_q : stored;
  wire subtract = plane_last && !back_q;

  // A sum of less than all planes leaves the top bit to the code that is added.
  function [SUM_BITS-1:0] added;
    input [SUM_BITS-1:0] so_far;
    input [ADC_BITS-1:0] code;
    input                minus;
    reg signed [ADC_BITS:0] high;
    reg signed [ADC_BITS:0] wide;
    begin
      high  = so_far[SUM_BITS-1:LOW_BITS];
      wide  = {code[ADC_BITS-1], code};
      high  = minus ? high - wide : high + wide;
      added = {high, so_far[LOW_BITS-1:0]};
    end
  endfunction

  integer a;
  always @* begin
    for (a = 0; a < ADCS; a = a + 1) begin
      total[a*SUM_BITS+:SUM_BITS] =
          added(plane_first ? {SUM_BITS{1'b0}} : sum[a*SUM_BITS+:SUM_BITS], code_data[a*ADC_BITS+:ADC_BITS], subtract);
      next[a*SUM_BITS+:SUM_BITS] = {total[(a+1)*SUM_BITS-1], total[a*SUM_BITS+1+:SUM_BITS-1]};
    end
  end

  // --- Codes of the read: round half towards plus infinity, saturate symmetrically -----------------------------------------------
  // Wide enough for a sum, its rounding constant, and the shift itself.
  localparam MAX_SHIFT = ${ max_shift }$;
  localparam ROUNDED   = ((SUM_BITS > MAX_SHIFT) ? SUM_BITS : MAX_SHIFT) + 2;
  localparam signed [ROUNDED-1:0] ONE      = 1;
  localparam signed [ROUNDED-1:0] CODE_MAX = (ONE << (ADC_BITS - 1)) - ONE;
<%- if shifts.len() == 1 %>
  localparam FWD_SHIFT  = ${ shifts[0].forward }$;
  localparam BACK_SHIFT = ${ shifts[0].backward }$;
  localparam signed [ROUNDED-1:0] FWD_HALF  = (FWD_SHIFT == 0) ? {ROUNDED{1'b0}} : (ONE << FWD_SHIFT) >>> 1;
  localparam signed [ROUNDED-1:0] BACK_HALF = (BACK_SHIFT == 0) ? {ROUNDED{1'b0}} : (ONE << BACK_SHIFT) >>> 1;
<%- else %>
  reg [5:0] shift;
  always @* begin
    shift = 6'd0;
<%- for s in shifts %>
    if (|(layer_q & ${ layers }$'b${ s.mask }$)) shift = back_q ? 6'd${ s.backward }$ : 6'd${ s.forward }$;
<%- endfor %>
  end
<%- endif %>

  function [ADC_BITS-1:0] code_of;
    input [SUM_BITS-1:0] value;
<%- if shifts.len() == 1 %>
    input                transposed;
<%- else %>
    input [5:0]          by;
<%- endif %>
    reg signed [ROUNDED-1:0] code;
    begin
      code = {{(ROUNDED - SUM_BITS) {value[SUM_BITS-1]}}, value};
<%- if shifts.len() == 1 %>
      if (transposed) code = (code + BACK_HALF) >>> BACK_SHIFT;
      else code = (code + FWD_HALF) >>> FWD_SHIFT;
<%- else %>
      code = (code + ((ONE << by) >>> 1)) >>> by;
<%- endif %>
      if (code > CODE_MAX) code = CODE_MAX;
      if (code < -CODE_MAX) code = -CODE_MAX;
      code_of = code[ADC_BITS-1:0];
    end
  endfunction

  integer c;
  always @* begin
    for (c = 0; c < ADCS; c = c + 1) begin
      sum_data[c*ADC_BITS+:ADC_BITS] = code_of(total[c*SUM_BITS+:SUM_BITS], <% if shifts.len() == 1 %>back_q<% else %>shift<% endif %>);
    end
  end
  assign sum_valid = code_valid && plane_last;
endmodule
`default_nettype wire
