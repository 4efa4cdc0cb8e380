`default_nettype none
// Column drivers of one array: magnitude and sign of every column, and the write pulses.
//
// A vector arrives in beats in a stage; `take` moves it to the columns. With `take_pulse` the columns whose magnitude is not
// zero are switched on in the next cycle; each stays on until the shared ramp reaches its magnitude. One comparator per
// column, no counter. `col_on` comes straight from flip-flops: the analog side sees no glitch.
<%- if serial %>
// In a read a column is driven by `col_bit`, the lowest bit of its magnitude, with its sign. `turn` brings the next bit down.
<%- endif %>
// Latency: as the row drivers; a pulse of width w lasts w ramp ticks.
module ${ name }$_col_driver #(
    parameter COLS       = 32,  // columns
    parameter MAG_BITS   = 8,   // bits of a magnitude
    parameter PULSE_BITS = 8,   // bits of a pulse width, at most MAG_BITS
    parameter LANES      = 8,   // words per beat
    parameter BEATS      = 4,   // beats per vector: COLS / LANES, rounded up
    parameter BEAT_BITS  = 2    // bits of a beat number
) (
    input  wire                        clk,
    input  wire                        rst_n,
    input  wire                        load_valid,  // a beat for the stage
    input  wire [BEAT_BITS-1:0]        load_beat,   // its number, lowest words first
    input  wire [LANES*MAG_BITS-1:0]   load_mag,    // magnitudes, lowest word first
    input  wire [LANES-1:0]            load_neg,    // signs: 1 is negative
    input  wire                        take,        // stage -> columns
    input  wire                        take_pulse,  // with `take`: start the pulses
    input  wire                        tick,        // a ramp step ends in this cycle
    input  wire [PULSE_BITS-1:0]       ramp,        // number of the running step, 1 in the first
<%- if serial %>
    input  wire                        turn,        // all magnitudes by one bit
    output wire [COLS-1:0]             col_bit,     // what drives the columns in a read
<%- endif %>
    output wire [COLS*MAG_BITS-1:0]    col_mag,     // magnitudes of all columns, column 0 lowest
    output wire [COLS-1:0]             col_neg,     // their signs
    output wire [COLS-1:0]             col_on       // write pulses
);
  localparam BEAT_WIDTH = LANES * MAG_BITS;

  reg [BEATS*BEAT_WIDTH-1:0] stage_mag_q;
  reg [BEATS*LANES-1:0]      stage_neg_q;
  reg [COLS*MAG_BITS-1:0]    mag_q;
  reg [COLS-1:0]             neg_q;
  reg [COLS-1:0]             on_q;

  integer b;
  always @(posedge clk) begin
    if (load_valid) begin
      for (b = 0; b < BEATS; b = b + 1) begin
        if (load_beat == b[BEAT_BITS-1:0]) begin
          stage_mag_q[b*BEAT_WIDTH+:BEAT_WIDTH] <= load_mag;
          stage_neg_q[b*LANES+:LANES]           <= load_neg;
        end
      end
    end
    if (take) begin
      mag_q <= stage_mag_q[COLS*MAG_BITS-1:0];
      neg_q <= stage_neg_q[COLS-1:0];
    end
<%- if serial %>
    // The bits of the next column are never down at a line: a read has no more planes than a magnitude has bits.
    else if (turn) mag_q <= mag_q >> 1;
<%- endif %>
  end

  integer c;
  always @(posedge clk) begin
    if (!rst_n) begin
      on_q <= {COLS{1'b0}};
    end else if (take) begin
      for (c = 0; c < COLS; c = c + 1) on_q[c] <= take_pulse && (stage_mag_q[c*MAG_BITS+:PULSE_BITS] != {PULSE_BITS{1'b0}});
    end else if (tick) begin
      for (c = 0; c < COLS; c = c + 1) if (mag_q[c*MAG_BITS+:PULSE_BITS] == ramp) on_q[c] <= 1'b0;
    end
  end
<%- if serial %>

  genvar g;
  generate
    for (g = 0; g < COLS; g = g + 1) begin : gen_bit
      assign col_bit[g] = mag_q[g*MAG_BITS];
    end
  endgenerate
<%- endif %>

  assign col_mag = mag_q;
  assign col_neg = neg_q;
  assign col_on  = on_q;

  // The last beat may be wider than the columns that remain.
  generate
    if (BEATS * LANES > COLS) begin : gen_pad
      wire unused_pad = &{1'b0, stage_mag_q[BEATS*BEAT_WIDTH-1:COLS*MAG_BITS], stage_neg_q[BEATS*LANES-1:COLS]};
    end
  endgenerate
endmodule
`default_nettype wire
