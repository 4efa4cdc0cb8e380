`default_nettype none
<%- if max %>
// Max pooling of a convolution's codes: of the reads of a pooling window the largest code of each channel goes on, with the number of
// the first read that has it.
<%- else if mean_bits > 0 %>
// Average pooling of a convolution's codes: of the reads of a pooling window the mean of each channel goes on, half rounded up.
<%- else %>
// Joins a convolution's reads to one vector.
<%- endif %>
// Codes of other reads pass. Latency: none; a window's beats leave with those of its last read.
module ${ name }$_pool #(
    parameter LANES    = 8,  // words per beat
    parameter ADC_BITS = 8   // bits of a code
) (
    input  wire                      clk,
    input  wire                      rst_n,
    input  wire                      active,     // codes are those of the convolution's forward reads
    input  wire                      in_valid,
    input  wire                      in_last,    // last beat of a read
    input  wire [LANES*ADC_BITS-1:0] in_code,
    output wire                      out_valid,
    output wire                      out_last,   // last beat of the whole map
<%- if max %>
    output wire [LANES*${ element_bits }$-1:0]     winner,     // number of the read within its window that the code is from
<%- endif %>
    output wire [LANES*ADC_BITS-1:0] out_code
);
  localparam [${ pixel_bits }$-1:0] PIXEL_LAST = ${ pixel_bits }$'d${ pixels - 1 }$;
  localparam [${ pixel_bits }$-1:0] PIXEL_ONE  = ${ pixel_bits }$'d1;
  reg [${ pixel_bits }$-1:0] pixel_q;  // of the pooled map
  wire map_end = pixel_q == PIXEL_LAST;
<%- if elements > 1 %>
  localparam [${ element_bits }$-1:0] ELEMENT_LAST = ${ element_bits }$'d${ elements - 1 }$;
  localparam [${ element_bits }$-1:0] ELEMENT_ONE  = ${ element_bits }$'d1;
  reg [${ element_bits }$-1:0] element_q;  // read of the window
  wire window_first = element_q == ${ element_bits }$'d0;
  wire window_last  = element_q == ELEMENT_LAST;
<%- else %>
  wire window_last  = 1'b1;
<%- endif %>

  always @(posedge clk) begin
    if (!rst_n) begin
<%- if elements > 1 %>
      element_q <= ${ element_bits }$'d0;
<%- endif %>
      pixel_q   <= ${ pixel_bits }$'d0;
    end else if (active && in_valid && in_last) begin
<%- if elements > 1 %>
      element_q <= window_last ? ${ element_bits }$'d0 : element_q + ELEMENT_ONE;
<%- endif %>
      if (window_last) pixel_q <= map_end ? ${ pixel_bits }$'d0 : pixel_q + PIXEL_ONE;
    end
  end
<%- if elements > 1 %>

  // --- What the window has come to, per channel ------------------------------------------------------------------------------
  localparam HELD = ADC_BITS + ${ held_bits }$;
  reg  [${ beats }$*LANES*HELD-1:0] held_q;
<%- if beats > 1 %>
  localparam [${ beat_bits }$-1:0] BEAT_ONE = ${ beat_bits }$'d1;
  reg  [${ beat_bits }$-1:0] beat_q;
  wire [LANES*HELD-1:0] so_far = held_q[beat_q*LANES*HELD+:LANES*HELD];
  always @(posedge clk) begin
    if (!rst_n || (in_valid && in_last)) beat_q <= ${ beat_bits }$'d0;
    else if (active && in_valid) beat_q <= beat_q + BEAT_ONE;
  end
<%- else %>
  wire [LANES*HELD-1:0] so_far = held_q;
<%- endif %>
  reg  [LANES*HELD-1:0] held;
  always @(posedge clk) begin
    if (active && in_valid) held_q[<% if beats > 1 %>beat_q*LANES*HELD+:LANES*HELD<% else %>LANES*HELD-1:0<% endif %>] <= held;
  end

  integer i;
<%- if max %>
  // Below the code stands the number of its read.
  always @* begin
    for (i = 0; i < LANES; i = i + 1) begin
      held[i*HELD+:HELD] = so_far[i*HELD+:HELD];
      if (window_first || ($signed(in_code[i*ADC_BITS+:ADC_BITS]) > $signed(so_far[i*HELD+${ held_bits }$+:ADC_BITS])))
        held[i*HELD+:HELD] = {in_code[i*ADC_BITS+:ADC_BITS], element_q};
    end
  end

  generate
    genvar g;
    for (g = 0; g < LANES; g = g + 1) begin : gen_lane
      assign winner[g*${ element_bits }$+:${ element_bits }$]  = held[g*HELD+:${ element_bits }$];
      assign out_code[g*ADC_BITS+:ADC_BITS] = active ? held[g*HELD+${ held_bits }$+:ADC_BITS] : in_code[g*ADC_BITS+:ADC_BITS];
    end
  endgenerate
<%- else %>
  always @* begin
    for (i = 0; i < LANES; i = i + 1) begin
      held[i*HELD+:HELD] = {{${ held_bits }${in_code[i*ADC_BITS+ADC_BITS-1]}}, in_code[i*ADC_BITS+:ADC_BITS]} +
                          (so_far[i*HELD+:HELD] & {HELD{!window_first}});
    end
  end

  localparam [HELD-1:0] HALF = ${ half }$;
  generate
    genvar g;
    for (g = 0; g < LANES; g = g + 1) begin : gen_lane
      wire [HELD-1:0] rounded = held[g*HELD+:HELD] + HALF;
      wire unused_low = &{1'b0, rounded[${ mean_bits - 1 }$:0]};
      assign out_code[g*ADC_BITS+:ADC_BITS] = active ? rounded[${ mean_bits }$+:ADC_BITS] : in_code[g*ADC_BITS+:ADC_BITS];
    end
  endgenerate
<%- endif %>
<%- else %>
  assign out_code  = in_code;
<%- endif %>
  assign out_valid = in_valid && (!active || window_last);
  assign out_last  = in_last && (!active || map_end);
endmodule
`default_nettype wire
