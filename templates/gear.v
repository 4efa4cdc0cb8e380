// Vector width converter: beats of IN words in, beats of OUT words out, lowest words first.
//
// Protocol: valid/ready on both sides; a beat moves on a rising clock edge with valid and ready high. A packet is a run of
// beats that ends with in_last; the last OUT beat made from it carries out_last.
//   IN == OUT  one register stage.
//   IN >  OUT  a beat is held and leaves as in_beats parts; the next is taken in the cycle in which the last part leaves.
//   IN <  OUT  OUT/IN beats are collected, fewer if in_last comes before; words that were not filled are zero.
// Latency: out_valid rises one cycle after the beat that completes an OUT beat was taken.
// Throughput: one beat per cycle on the narrow side. in_ready depends on out_ready within the cycle.

`default_nettype none

module ${ name }$_gear #(
  parameter WORD      = 8,  // bits of a word
  parameter IN        = 8,  // words of an in-beat, a power of two
  parameter OUT       = 8,  // words of an out-beat, a power of two
  parameter BEAT_BITS = $clog2(IN > OUT ? IN / OUT : 1) + 1  // derived, not to be overridden: bits of in_beats
) (
  input  wire                 clk,        // rising edge
  input  wire                 rst_n,      // synchronous, active low: drops what is held

  input  wire                 in_valid,   // in_data, in_last and in_beats hold a beat
  output wire                 in_ready,   // the beat is taken at this edge
  input  wire                 in_last,    // last beat of a packet
  input  wire [BEAT_BITS-1:0] in_beats,   // IN > OUT: OUT beats to make of this one, 1 to IN/OUT; otherwise unused
  input  wire [ IN*WORD-1:0]  in_data,    // word i at bits i*WORD

  output wire                 out_valid,  // out_data and out_last hold a beat
  input  wire                 out_ready,  // the beat is taken at this edge
  output wire                 out_last,   // last beat of a packet, with out_valid
  output wire [OUT*WORD-1:0]  out_data    // word i at bits i*WORD, with out_valid
);

  reg last_q;

  generate
    if (IN > OUT) begin : g_split
      reg [BEAT_BITS-1:0] left_q;  // parts that have not left yet
      reg [  IN*WORD-1:0] data_q;  // the part on offer is in the low words

      wire final_part = left_q == {{(BEAT_BITS - 1) {1'b0}}, 1'b1};

      assign in_ready  = !out_valid || (final_part && out_ready);
      assign out_valid = left_q != {BEAT_BITS{1'b0}};
      assign out_last  = last_q && final_part;
      assign out_data  = data_q[OUT*WORD-1:0];

      always @(posedge clk) begin
        if (!rst_n)                      left_q <= {BEAT_BITS{1'b0}};
        else if (in_valid && in_ready)   left_q <= in_beats;
        else if (out_valid && out_ready) left_q <= left_q - {{(BEAT_BITS - 1) {1'b0}}, 1'b1};
      end

      always @(posedge clk) begin
        if (in_valid && in_ready) begin
          data_q <= in_data;
          last_q <= in_last;
        end else if (out_valid && out_ready) begin
          data_q <= {{(OUT * WORD) {1'b0}}, data_q[IN*WORD-1:OUT*WORD]};
        end
      end
    end else if (IN < OUT) begin : g_join
      localparam SLOTS = OUT / IN;
      localparam [SLOTS-1:0] FIRST = {{(SLOTS - 1) {1'b0}}, 1'b1};

      reg                valid_q;
      reg [SLOTS-1:0]    slot_q;  // one-hot: where the next in-beat goes
      reg [OUT*WORD-1:0] data_q;

      wire take     = in_valid && in_ready;
      wire complete = in_last || slot_q[SLOTS-1];

      // One register serves collecting and waiting, so nothing is taken while a finished beat has not left.
      assign in_ready  = !valid_q || out_ready;
      assign out_valid = valid_q;
      assign out_last  = last_q;
      assign out_data  = data_q;

      always @(posedge clk) begin
        if (!rst_n) begin
          valid_q <= 1'b0;
          slot_q  <= FIRST;
        end else begin
          if (in_ready) valid_q <= in_valid && complete;
          if (take)     slot_q  <= complete ? FIRST : slot_q << 1;
        end
      end

      // The first beat clears the other slots, so a packet that ends early leaves zeros there.
      integer i;
      always @(posedge clk) begin
        if (take) begin
          last_q <= in_last;
          for (i = 0; i < SLOTS; i = i + 1) begin
            if (slot_q[i])      data_q[i*IN*WORD +: IN*WORD] <= in_data;
            else if (slot_q[0]) data_q[i*IN*WORD +: IN*WORD] <= {(IN * WORD) {1'b0}};
          end
        end
      end

      wire unused_beats = &{1'b0, in_beats};
    end else begin : g_stage
      reg                valid_q;
      reg [OUT*WORD-1:0] data_q;

      assign in_ready  = !valid_q || out_ready;
      assign out_valid = valid_q;
      assign out_last  = last_q;
      assign out_data  = data_q;

      always @(posedge clk) begin
        if (!rst_n)        valid_q <= 1'b0;
        else if (in_ready) valid_q <= in_valid;
      end

      always @(posedge clk) begin
        if (in_valid && in_ready) begin
          data_q <= in_data;
          last_q <= in_last;
        end
      end

      wire unused_beats = &{1'b0, in_beats};
    end
  endgenerate

endmodule

`default_nettype wire

