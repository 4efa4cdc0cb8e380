// Drives dut_gear with random packets and stalls and predicts every output in every cycle from the documented contract.
`timescale 1ns / 1ps
`default_nettype none

module tb #(
  parameter WORD    = 8,
  parameter IN      = 8,
  parameter OUT     = 8,
  parameter PACKETS = 200
);
  localparam PARTS     = IN > OUT ? IN / OUT : 1;
  localparam SLOTS     = IN < OUT ? OUT / IN : 1;
  localparam BEAT_BITS = $clog2(PARTS) + 1;
  localparam DEPTH     = 2 * PARTS;

  reg                 clk, rst_n;
  reg                 in_valid, in_last, out_ready;
  reg [BEAT_BITS-1:0] in_beats;
  reg [IN*WORD-1:0]   in_data;
  wire                in_ready, out_valid, out_last;
  wire [OUT*WORD-1:0] out_data;

  dut_gear #(.WORD(WORD), .IN(IN), .OUT(OUT)) dut (
    .clk(clk), .rst_n(rst_n),
    .in_valid(in_valid), .in_ready(in_ready), .in_last(in_last), .in_beats(in_beats), .in_data(in_data),
    .out_valid(out_valid), .out_ready(out_ready), .out_last(out_last), .out_data(out_data)
  );

  // Model: a queue of finished out-beats, and the out-beat under collection.
  reg [OUT*WORD-1:0] queue_data [0:DEPTH-1];
  reg                queue_last [0:DEPTH-1];
  reg [OUT*WORD-1:0] partial;
  integer            waiting, head, slot;

  integer seed, in_stall, out_stall, cycles, packets, left, takes, leaves, i;
  reg     expect_ready;
  reg [(IN*WORD+31)/32*32-1:0] noise;

  task fail(input [8*24-1:0] what);
    begin
      $display("FAIL: %0s at cycle %0d, packet %0d", what, cycles, packets);
      $finish;
    end
  endtask

  // A new in-beat: random words, last at the end of the packet. Junk everywhere while not valid.
  task next_beat;
    begin
      for (i = 0; i < (IN * WORD + 31) / 32; i = i + 1) noise[i*32 +: 32] = $random(seed);
      in_data  <= noise[IN*WORD-1:0];
      in_beats <= 1 + ($unsigned($random(seed)) % PARTS);
      in_last  <= left == 1;
    end
  endtask

  // The same edge as the DUT: first judge what the passing cycle showed, then update the model, then drive.
  always @(posedge clk) if (rst_n) begin
    cycles = cycles + 1;
    expect_ready = waiting == 0 || ((IN <= OUT || waiting == 1) && out_ready);
    if (out_valid !== (waiting != 0)) fail("out_valid");
    if (in_ready !== expect_ready) fail("in_ready");
    if (out_valid && out_data !== queue_data[head]) fail("out_data");
    if (out_valid && out_last !== queue_last[head]) fail("out_last");
    if (out_valid && out_ready) begin
      head    = (head + 1) % DEPTH;
      waiting = waiting - 1;
      leaves  = leaves + 1;
    end
    if (in_valid && in_ready) begin
      takes = takes + 1;
      if (IN > OUT) begin
        for (i = 0; i < in_beats; i = i + 1) begin
          queue_data[(head + waiting) % DEPTH] = in_data >> (i * OUT * WORD);
          queue_last[(head + waiting) % DEPTH] = in_last && i == in_beats - 1;
          waiting = waiting + 1;
        end
      end else begin
        if (slot == 0) partial = 0;
        partial = partial | ({{(OUT * WORD) {1'b0}}, in_data} << (slot * IN * WORD));
        slot    = slot + 1;
        if (in_last || slot == SLOTS) begin
          queue_data[(head + waiting) % DEPTH] = partial;
          queue_last[(head + waiting) % DEPTH] = in_last;
          waiting = waiting + 1;
          slot    = 0;
        end
      end
      left = left - 1;
      if (left == 0) begin
        packets = packets + 1;
        left    = 1 + ($unsigned($random(seed)) % (2 * SLOTS + 3));
      end
    end

    if (!in_valid || in_ready) begin
      in_valid <= packets < PACKETS && ($unsigned($random(seed)) % 8) >= in_stall;
      next_beat;
    end
    out_ready <= ($unsigned($random(seed)) % 8) >= out_stall;

    if (packets == PACKETS && waiting == 0) begin
      if (leaves < PACKETS) fail("too few beats out");
      $display("PASS: %0d beats in, %0d beats out", takes, leaves);
      $finish;
    end
    if (cycles > 400 * PACKETS * (PARTS + SLOTS)) fail("watchdog");
  end

  initial begin
    if (!$value$plusargs("seed=%d", seed)) seed = 1;
    if (!$value$plusargs("in_stall=%d", in_stall)) in_stall = 0;
    if (!$value$plusargs("out_stall=%d", out_stall)) out_stall = 0;
    clk = 0; rst_n = 0; in_valid = 0; in_last = 0; out_ready = 0; in_beats = 1; in_data = 0;
    waiting = 0; head = 0; slot = 0; cycles = 0; packets = 0; left = 3; takes = 0; leaves = 0;
    #12 rst_n = 1;
  end
  always #5 clk = !clk;
endmodule
