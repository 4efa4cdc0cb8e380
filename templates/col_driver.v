`default_nettype none
// Column drivers of one array: a stage for the next vector of magnitudes and signs, and the lines with their write pulses.
//
// A vector arrives in beats in the stage; `take` moves it to the columns.
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
  reg [BEATS*LANES-1:0]      stage_on_q;  // the magnitude is not 0 as a pulse width

  // Found for the words of a beat, not for every column.
  wire [LANES-1:0] load_on;
  genvar g;
  generate
    for (g = 0; g < LANES; g = g + 1) begin : gen_on
      assign load_on[g] = |load_mag[g*MAG_BITS+:PULSE_BITS];
    end
  endgenerate

  integer b;
  always @(posedge clk) begin
    if (load_valid) begin
      for (b = 0; b < BEATS; b = b + 1) begin
        if (load_beat == b[BEAT_BITS-1:0]) begin
          stage_mag_q[b*BEAT_WIDTH+:BEAT_WIDTH] <= load_mag;
          stage_neg_q[b*LANES+:LANES]           <= load_neg;
          stage_on_q[b*LANES+:LANES]            <= load_on;
        end
      end
    end
  end

  ${ name }$_col_pulse #(
      .COLS      (COLS),
      .MAG_BITS  (MAG_BITS),
      .PULSE_BITS(PULSE_BITS)
  ) u_pulse (
      .clk       (clk),
      .rst_n     (rst_n),
      .take      (take),
      .take_pulse(take_pulse),
      .next_mag  (stage_mag_q[COLS*MAG_BITS-1:0]),
      .next_neg  (stage_neg_q[COLS-1:0]),
      .next_on   (stage_on_q[COLS-1:0]),
      .tick      (tick),
      .ramp      (ramp),
<%- if serial %>
      .turn      (turn),
      .col_bit   (col_bit),
<%- endif %>
      .col_mag   (col_mag),
      .col_neg   (col_neg),
      .col_on    (col_on)
  );

  // The last beat may be wider than the columns that remain.
  generate
    if (BEATS * LANES > COLS) begin : gen_pad
      wire unused_pad = &{1'b0, stage_mag_q[BEATS*BEAT_WIDTH-1:COLS*MAG_BITS], stage_neg_q[BEATS*LANES-1:COLS],
                            stage_on_q[BEATS*LANES-1:COLS]};
    end
  endgenerate
endmodule
`default_nettype wire
