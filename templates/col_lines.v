`default_nettype none
// Column lines of one emulated array, kept in memory: the counterpart of column drivers where no pin wants all columns at once.
// The array applies pulses by their widths, so nothing is switched on and off here.
//
// The memory has two halves, as that of the row lines. It is made of BANKS memories of beats side by side, so that a word of
// ADCS columns is there in every cycle. Lines beyond the last column read as 0.
// Latency: `col_mag` and `col_neg` are those of the `line_word` of the cycle before.
module ${ name }$_col_lines #(
    parameter COLS      = 32,  // columns
    parameter MAG_BITS  = 8,   // bits of a magnitude
    parameter LANES     = 8,   // words per beat
    parameter BEAT_BITS = 2,   // bits of a beat number
    parameter ADCS      = 8,   // columns per word
    parameter WORDS     = 4,   // words: COLS / ADCS, rounded up
    parameter WORD_BITS = 2    // bits of a word number
) (
    input  wire                      clk,
    input  wire                      rst_n,
    input  wire                      load_valid,  // a beat for the next vector
    input  wire [BEAT_BITS-1:0]      load_beat,   // its number, lowest words first
    input  wire [LANES*MAG_BITS-1:0] load_mag,    // magnitudes, lowest word first
    input  wire [LANES-1:0]          load_neg,    // signs: 1 is negative
    input  wire                      take,        // the next vector becomes that of the columns
    input  wire [WORD_BITS-1:0]      line_word,   // the word that is wanted
    output wire [ADCS*MAG_BITS-1:0]  col_mag,
    output wire [ADCS-1:0]           col_neg
);
  // Beats per word or words per beat: one of the two is 1.
  localparam BANKS      = (ADCS > LANES) ? ADCS / LANES : 1;
  localparam PARTS      = (LANES > ADCS) ? LANES / ADCS : 1;
  localparam BANK_BITS  = $clog2(BANKS);
  localparam PART_BITS  = $clog2(PARTS);
  localparam BEAT_WIDTH = LANES * (MAG_BITS + 1);
  // Bits of the number of a word of all banks.
  localparam LINE_BITS  = (BEAT_BITS > BANK_BITS) ? BEAT_BITS - BANK_BITS : 1;

  reg half_q;
  always @(posedge clk) begin
    if (!rst_n) half_q <= 1'b0;
    else if (take) half_q <= !half_q;
  end
  // A beat that comes with a take belongs to the vector after it.
  wire wr_half = half_q == take;

  wire [31:0] beat_32 = {{(32 - BEAT_BITS) {1'b0}}, load_beat};
  wire [31:0] word_32 = {{(32 - WORD_BITS) {1'b0}}, line_word};
  wire [31:0] wr_32   = beat_32 >> BANK_BITS;
  wire [31:0] rd_32   = word_32 >> PART_BITS;
  wire [31:0] bank_32 = beat_32 - (wr_32 << BANK_BITS);
  wire unused_high = &{1'b0, wr_32[31:LINE_BITS], rd_32[31:LINE_BITS]};

  wire [BANKS*BEAT_WIDTH-1:0] line;
  genvar g;
  generate
    for (g = 0; g < BANKS; g = g + 1) begin : gen_bank
      localparam [31:0] BANK = g;
      ${ name }$_vector_mem #(
          .WIDTH    (BEAT_WIDTH),
          .DEPTH    (2 << LINE_BITS),
          .ADDR_BITS(LINE_BITS + 1)
      ) u_codes (
          .clk    (clk),
          .wr_en  (load_valid && (bank_32 == BANK)),
          .wr_addr({wr_half, wr_32[LINE_BITS-1:0]}),
          .wr_data({load_neg, load_mag}),
          .rd_en  (1'b1),
          .rd_addr({half_q, rd_32[LINE_BITS-1:0]}),
          .rd_data(line[g*BEAT_WIDTH+:BEAT_WIDTH])
      );
    end
  endgenerate

  // Magnitudes and signs of all lanes of the line.
  wire [BANKS*LANES*MAG_BITS-1:0] line_mag;
  wire [BANKS*LANES-1:0]          line_neg;
  wire [ADCS*MAG_BITS-1:0]        word_mag;
  wire [ADCS-1:0]                 word_neg;
  generate
    for (g = 0; g < BANKS; g = g + 1) begin : gen_line
      assign line_mag[g*LANES*MAG_BITS+:LANES*MAG_BITS] = line[g*BEAT_WIDTH+:LANES*MAG_BITS];
      assign line_neg[g*LANES+:LANES]                   = line[g*BEAT_WIDTH+LANES*MAG_BITS+:LANES];
    end
    if (PARTS == 1) begin : gen_whole
      assign word_mag = line_mag;
      assign word_neg = line_neg;
    end else begin : gen_part
      reg [PART_BITS-1:0] part_q;
      // A beat has PARTS words, whatever the number of beats.
      always @(posedge clk) part_q <= word_32[PART_BITS-1:0];
      localparam WORD = ADCS * MAG_BITS;
<%- let word = "word_mag" %>
<%- let bits = "WORD" %>
<%- let words = "PARTS" %>
<%- let vector = "line_mag" %>
<%- let number = "part_q" %>
<% include "select.v" %>
      assign word_neg = line_neg[part_q*ADCS+:ADCS];
    end
    if (WORDS * ADCS > COLS) begin : gen_short
      localparam [31:0] WORD_LAST = WORDS - 1;
      localparam LINES = COLS - (WORDS - 1) * ADCS;  // of the last word
      reg last_q;
      always @(posedge clk) last_q <= line_word == WORD_LAST[WORD_BITS-1:0];
      assign col_mag = last_q ? {{(ADCS - LINES) * MAG_BITS{1'b0}}, word_mag[LINES*MAG_BITS-1:0]} : word_mag;
      assign col_neg = last_q ? {{(ADCS - LINES) {1'b0}}, word_neg[LINES-1:0]} : word_neg;
    end else begin : gen_full
      assign col_mag = word_mag;
      assign col_neg = word_neg;
    end
  endgenerate
endmodule
`default_nettype wire
