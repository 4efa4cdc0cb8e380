`default_nettype none
// Column lines of one array: magnitude and sign of every column, and the write pulses.
//
// `take` moves the next vector to the columns. With `take_pulse` those that `next_on` marks are switched on in the next cycle;
// each stays on until the shared ramp reaches its magnitude. No column has a counter: it compares its magnitude with the ramp
// for equality. `col_on` comes straight from flip-flops: the analog side sees no glitch.
<%- if serial %>
// In a read a column is driven by `col_bit`, the lowest bit of its magnitude, with its sign. `turn` brings the next bit down.
<%- endif %>
// Latency: one cycle from `take`; a pulse of width w lasts w ramp ticks.
module ${ name }$_col_pulse #(
    parameter COLS       = 32,  // columns
    parameter MAG_BITS   = 8,   // bits of a magnitude
    parameter PULSE_BITS = 8    // bits of a pulse width, at most MAG_BITS
) (
    input  wire                     clk,
    input  wire                     rst_n,
    input  wire                     take,        // next vector -> columns
    input  wire                     take_pulse,  // with `take`: start the pulses
    input  wire [COLS*MAG_BITS-1:0] next_mag,    // the next vector, column 0 lowest
    input  wire [COLS-1:0]          next_neg,    // its signs
    input  wire [COLS-1:0]          next_on,     // its magnitudes that are not 0 as pulse widths
    input  wire                     tick,        // a ramp step ends in this cycle
    input  wire [PULSE_BITS-1:0]    ramp,        // number of the running step, 1 in the first
<%- if serial %>
    input  wire                     turn,        // all magnitudes by one bit
    output wire [COLS-1:0]          col_bit,     // what drives the columns in a read
<%- endif %>
    output wire [COLS*MAG_BITS-1:0] col_mag,     // magnitudes of all columns
    output wire [COLS-1:0]          col_neg,     // their signs
    output wire [COLS-1:0]          col_on       // write pulses
);
  reg [COLS*MAG_BITS-1:0] mag_q;
  reg [COLS-1:0]          neg_q;
  reg [COLS-1:0]          on_q;

  always @(posedge clk) begin
    if (take) begin
      mag_q <= next_mag;
      neg_q <= next_neg;
    end
<%- if serial %>
    // The bits of the next column are never down at a line: a read has no more planes than a magnitude has bits.
    else if (turn) mag_q <= mag_q >> 1;
<%- endif %>
  end

  // Reset and enable are the same for all columns, so that a column needs few look-up tables.
  integer c;
  always @(posedge clk) begin
    if (!rst_n || (take && !take_pulse)) begin
      on_q <= {COLS{1'b0}};
    end else if (take || tick) begin
      for (c = 0; c < COLS; c = c + 1) begin
        on_q[c] <= (take || (on_q[c] && (mag_q[c*MAG_BITS+:PULSE_BITS] != ramp))) && (!take || next_on[c]);
      end
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
endmodule
`default_nettype wire
