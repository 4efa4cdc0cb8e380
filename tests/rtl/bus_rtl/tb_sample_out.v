// Writes vectors into dut_sample_out as a core would, takes the stream with random stalls and (on request) soft resets, and
// compares words, framing, `free` and latency with a model of the documented contract.
`timescale 1ns / 1ps
`default_nettype none

module tb #(
  parameter OUTPUTS  = 10,
  parameter DAC_BITS = 8,
  parameter LANES    = 8,
  parameter VECTORS  = 40
);
  localparam WORD   = DAC_BITS <= 8 ? 8 : 16;
  localparam K      = 64 / WORD;
  localparam LINES  = (OUTPUTS + LANES - 1) / LANES;
  localparam BEATS  = (OUTPUTS + K - 1) / K;
  localparam BITS   = LINES > 1 ? $clog2(LINES) : 1;
  localparam GATHER = LANES >= K ? 1 : LINES < K / LANES ? LINES : K / LANES;  // lines of the first stream beat
  localparam RING   = 8;  // vectors that the model keeps: two in the banks, and what can be on its way through short packets

  reg                      clk, aresetn, rst_n, in_valid, tready;
  reg [BITS-1:0]           in_beat;
  reg [LANES*DAC_BITS-1:0] in_data;
  wire                     free, busy, tvalid, tlast;
  wire [63:0]              tdata;

  dut_sample_out #(.OUTPUTS(OUTPUTS), .DAC_BITS(DAC_BITS), .LANES(LANES)) dut (
    .clk(clk), .aresetn(aresetn), .rst_n(rst_n),
    .free(free), .busy(busy), .in_valid(in_valid), .in_beat(in_beat), .in_data(in_data),
    .m_axis_tdata(tdata), .m_axis_tvalid(tvalid), .m_axis_tready(tready), .m_axis_tlast(tlast)
  );

  reg [63:0] want [0:RING*BEATS-1];
  integer    started, written, sent, line, position;
  reg        writing, stays, close, was_held, was_last;
  reg [63:0] was_data;
  reg [(LANES*DAC_BITS+31)/32*32-1:0] noise;

  integer seed, core_stall, sink_stall, resets, hold, pace, cycles, due, i, n;
  reg     signed [DAC_BITS-1:0] code;
  time    edge_time;

  // True in `eighths` of 8 cases.
  function chance(input integer eighths);
    chance = ($unsigned($random(seed)) % 8) < eighths;
  endfunction

  task fail(input [8*28-1:0] what);
    begin
      $display("FAIL: %0s at cycle %0d, written %0d, sent %0d, beat %0d", what, cycles, written, sent, position);
      $finish;
    end
  endtask

  // What the cycle that ends at this edge showed on the stream.
  task judge;
    begin
      if (was_held && (!tvalid || tdata !== was_data || tlast !== was_last)) fail("a beat on offer changed");
      if (due != 0 && cycles < due && tvalid && !stays) fail("too early");
      if (due != 0 && cycles == due && !tvalid) fail("too late");
      if (cycles >= due) due = 0;
      if (busy !== (sent < written || tvalid || close)) fail("busy");
      if (tvalid && !stays) begin
        if (close) begin
          if (tdata !== 64'd0 || !tlast) fail("closing beat");
        end else begin
          if (sent >= written) fail("beat from nowhere");
          if (tdata !== want[(sent % RING) * BEATS + position]) fail("data");
          if (tlast !== (position == BEATS - 1)) fail("tlast");
        end
      end
      if (tvalid && tready) begin
        if (stays) stays = 0;
        else if (close) close = 0;
        else begin
          position = position + 1;
          if (position == BEATS) begin
            position = 0;
            sent     = sent + 1;
          end
        end
      end
      was_held = tvalid && !tready;
      was_data = tdata;
      was_last = tlast;
    end
  endtask

  // The next line of a vector, junk beyond its words; `free` only matters for its first.
  task core;
    begin
      if (in_valid && line == LINES) begin
        // Alone on its way: the first stream beat has to show at a known cycle.
        if (sent == written && !tvalid && !close) due = cycles + 3 + GATHER;
        written = written + 1;
        writing = 0;
      end
      in_valid = 0;
      in_beat  = $random(seed);
      for (i = 0; i < (LANES * DAC_BITS + 31) / 32; i = i + 1) noise[i*32 +: 32] = $random(seed);
      in_data = noise[LANES*DAC_BITS-1:0];
      if (!writing && free && started < VECTORS && (hold == 0 || started < RING)) begin
        writing = 1;
        line    = 0;
        started = started + 1;
        for (i = 0; i < BEATS; i = i + 1) want[(written % RING) * BEATS + i] = 0;
      end
      if (writing && !chance(core_stall)) begin
        in_valid = 1;
        in_beat  = line;
        for (i = 0; i < LANES; i = i + 1) begin
          n    = line * LANES + i;
          code = in_data[i*DAC_BITS +: DAC_BITS];
          if (n < OUTPUTS) want[(written % RING) * BEATS + n / K][(n % K)*WORD +: WORD] = code;
        end
        line = line + 1;
      end
    end
  endtask

  always @(posedge clk) begin
    edge_time = $time;
    cycles    = cycles + 1;
    if (aresetn) judge;
    if (!rst_n) begin
      // The beat on offer stays; a packet without its end gets one more beat.
      stays    = aresetn && was_held;
      close    = aresetn && (stays ? !tlast : close || position != 0);
      written  = started;
      sent     = started;
      position = 0;
      writing  = 0;
      in_valid = 0;
      due      = 0;
    end
    if (cycles == hold) begin
      if (free || written < 2 || sent != 0) fail("two vectors in advance");
      hold = 0;
    end
    #1;
    if (rst_n) core;
    tready  = hold == 0 && !chance(sink_stall);
    aresetn = cycles > 2;
    rst_n   = aresetn && ($unsigned($random(seed)) % 1000) >= resets;

    if (sent >= VECTORS && !tvalid) begin
      // Unhindered, the slower side sets the pace.
      if (pace && cycles > VECTORS * (BEATS > LINES ? BEATS : LINES) + LINES + GATHER + 10) fail("pace");
      $display("PASS: %0d vectors, %0d cycles", sent, cycles);
      $finish;
    end
    if (cycles > 2000 + 20 * VECTORS * (BEATS + LINES)) fail("watchdog");
  end

  // Every output is a register's: it moves at clock edges and not with the inputs, which move 1 ns later.
  always @(free or busy or tvalid or tdata or tlast) if (cycles > 2 && $time != edge_time) fail("output follows an input");

  initial begin
    if (!$value$plusargs("seed=%d", seed)) seed = 1;
    if (!$value$plusargs("core_stall=%d", core_stall)) core_stall = 0;
    if (!$value$plusargs("sink_stall=%d", sink_stall)) sink_stall = 0;
    if (!$value$plusargs("resets=%d", resets)) resets = 0;
    if (!$value$plusargs("hold=%d", hold)) hold = 0;
    // Long enough to fill the banks.
    if (hold != 0) hold = 40 + 8 * (LINES + BEATS);
    pace = core_stall == 0 && sink_stall == 0 && resets == 0 && hold == 0;
    clk = 0; aresetn = 0; rst_n = 0; in_valid = 0; in_beat = 0; in_data = 0; tready = 0;
    started = 0; written = 0; sent = 0; line = 0; position = 0; writing = 0; stays = 0; close = 0; was_held = 0;
    was_last = 0; was_data = 0; cycles = 0; due = 0; edge_time = 0;
  end
  always #5 clk = !clk;
endmodule
