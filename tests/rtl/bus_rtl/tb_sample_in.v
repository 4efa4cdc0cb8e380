// Streams good, short and long packets into dut_sample_in with random stalls, mode changes and (on request) resets, reads
// the samples back as a core would, and compares words, order, flags and latency with a model of the documented contract.
`timescale 1ns / 1ps
`default_nettype none

module tb #(
  parameter INPUTS   = 64,
  parameter OUTPUTS  = 10,
  parameter DAC_BITS = 8,
  parameter LANES    = 8,
  parameter SAMPLES  = 50
);
  localparam WORD    = DAC_BITS <= 8 ? 8 : 16;
  localparam K       = 64 / WORD;
  localparam X_BEATS = (INPUTS + K - 1) / K;
  localparam T_BEATS = (OUTPUTS + K - 1) / K;
  localparam X_LINES = (INPUTS + LANES - 1) / LANES;
  localparam T_LINES = (OUTPUTS + LANES - 1) / LANES;
  localparam X_BITS  = X_LINES > 1 ? $clog2(X_LINES) : 1;
  localparam T_BITS  = T_LINES > 1 ? $clog2(T_LINES) : 1;
  localparam PARTS   = K > LANES ? K / LANES : 1;
  localparam RING    = 4;  // samples that the model keeps: two in the banks, one arriving, one spare

  reg                       clk, rst_n;
  reg  [63:0]               tdata;
  reg                       tvalid, tlast, train, x_done, t_done;
  reg  [X_BITS-1:0]         x_beat;
  reg  [T_BITS-1:0]         t_beat;
  wire                      tready, short_packet, long_packet, busy, sample_valid, sample_train;
  wire [LANES*DAC_BITS-1:0] x_data, t_data;

  dut_sample_in #(.INPUTS(INPUTS), .OUTPUTS(OUTPUTS), .DAC_BITS(DAC_BITS), .LANES(LANES)) dut (
    .clk(clk), .rst_n(rst_n),
    .s_axis_tdata(tdata), .s_axis_tvalid(tvalid), .s_axis_tready(tready), .s_axis_tlast(tlast),
    .train(train), .short_packet(short_packet), .long_packet(long_packet),
    .busy(busy), .sample_valid(sample_valid), .sample_train(sample_train),
    .x_done(x_done), .x_rd_beat(x_beat), .x_rd_data(x_data),
    .t_done(t_done), .t_rd_beat(t_beat), .t_rd_data(t_data)
  );

  // Model of what has arrived, as whole lines of LANES words. Line j of ring entry s is at s*LINES + j.
  reg [LANES*DAC_BITS-1:0] x_want [0:RING*X_LINES-1];
  reg [LANES*DAC_BITS-1:0] t_want [0:RING*T_LINES-1];
  reg                      mode   [0:RING-1];
  integer arrived, position, skipping, shorts, longs, done_at;
  reg     short_q, long_q, final, with_t;

  // Core: sample being read on either side, next line to ask for, and the model's line for the answers under way.
  integer x_sample, x_next, t_sample, t_next;
  integer x_line_a, x_line_b, t_line_a, t_line_b;
  reg     x_open, t_open, fresh;

  integer seed, in_stall, core_stall, error_rate, resets, hold, cycles, lows, taken, idle, i, n;
  time    edge_time;

  // True in `eighths` of 8 cases.
  function chance(input integer eighths);
    chance = ($unsigned($random(seed)) % 8) < eighths;
  endfunction

  task fail(input [8*28-1:0] what);
    begin
      $display("FAIL: %0s at cycle %0d, arrived %0d, x side %0d, t side %0d", what, cycles, arrived, x_sample, t_sample);
      $finish;
    end
  endtask

  // Word n of x (or of t) takes its place in the line; the model's lines start as zero.
  task store(input is_t, input integer word, input [DAC_BITS-1:0] code);
    integer line;
    begin
      line = (arrived % RING) * (is_t ? T_LINES : X_LINES) + word / LANES;
      if (is_t) begin
        if (word % LANES == 0) t_want[line] = 0;
        t_want[line] = t_want[line] | ({{(LANES * DAC_BITS) {1'b0}}, code} << ((word % LANES) * DAC_BITS));
      end else begin
        if (word % LANES == 0) x_want[line] = 0;
        x_want[line] = x_want[line] | ({{(LANES * DAC_BITS) {1'b0}}, code} << ((word % LANES) * DAC_BITS));
      end
    end
  endtask

  // A beat was taken.
  task arrive;
    begin
      taken = taken + 1;
      if (skipping) begin
        skipping = !tlast;
      end else begin
        if (position == 0) with_t = train;
        for (i = 0; i < K; i = i + 1) begin
          n = (position < X_BEATS ? position : position - X_BEATS) * K + i;
          if (n < (position < X_BEATS ? INPUTS : OUTPUTS)) store(position >= X_BEATS, n, tdata[i*WORD +: DAC_BITS]);
        end
        position = position + 1;
        final    = position == X_BEATS + (with_t ? T_BEATS : 0);
        if (final && tlast) begin
          // Words of the last beat, K at most; each LANES of them are one line to write.
          n       = with_t ? OUTPUTS - (T_BEATS - 1) * K : INPUTS - (X_BEATS - 1) * K;
          done_at = cycles + 1 + (K > LANES ? (n + LANES - 1) / LANES : 1);
          mode[arrived % RING] = with_t;
          arrived = arrived + 1;
        end else if (final) begin
          longs    = longs + 1;
          long_q   = 1;
          skipping = 1;
        end else if (tlast) begin
          shorts  = shorts + 1;
          short_q = 1;
        end
        if (final || tlast) position = 0;
      end
    end
  endtask

  // What the cycle that ends at this edge showed.
  task judge;
    begin
      if (short_packet !== short_q) fail("short_packet");
      if (long_packet !== long_q) fail("long_packet");
      if (x_line_b >= 0 && x_data !== x_want[x_line_b]) fail("x");
      if (t_line_b >= 0 && t_data !== t_want[t_line_b]) fail("t");
      // The oldest sample shows exactly when its last line is in the memory.
      if (sample_valid !== (x_sample < arrived && (x_sample < arrived - 1 || cycles >= done_at))) fail("sample_valid");
      // A sample without targets may take a cycle to leave the t side after the one before it.
      n = tvalid || position != 0 || skipping || x_sample < arrived || t_sample < arrived;
      idle = n ? 0 : idle + 1;
      if (n != 0 && !busy) fail("not busy");
      if (idle > 1 && busy) fail("busy");
      if (sample_valid && sample_train !== mode[x_sample % RING]) fail("sample_train");
      if (cycles < hold && arrived < 2 && tvalid && !tready) lows = lows + 1;
      if (cycles == hold) begin
        if (arrived != 2 || tready) fail("two samples in advance");
        // Unhindered, the slower side sets the pace: a stream beat makes PARTS lines at most.
        if (lows > (PARTS - 1) * taken) fail("pace");
      end
    end
  endtask

  // Reads both sides in order; the release goes out with the last line's number. t may lag behind x by what the banks hold.
  task core;
    begin
      if (x_done) begin
        x_sample = x_sample + 1;
        x_open   = 0;
      end
      if (!x_open && sample_valid && cycles > hold) begin
        x_open = 1;
        x_next = 0;
      end
      if (t_done) begin
        t_sample = t_sample + 1;
        t_open   = 0;
      end
      if (t_sample < x_sample && !mode[t_sample % RING]) t_sample = t_sample + 1;
      if (!t_open && (t_sample < x_sample || (t_sample == x_sample && x_open)) && mode[t_sample % RING]) begin
        t_open = 1;
        t_next = 0;
      end
      x_done = 0;
      t_done = 0;
      x_beat = $random(seed);
      t_beat = $random(seed);
      if (x_open && !chance(core_stall)) begin
        x_beat   = x_next;
        x_line_a = (x_sample % RING) * X_LINES + x_next;
        x_next   = x_next + 1;
        x_done   = x_next == X_LINES;
      end
      if (t_open && !chance(core_stall)) begin
        t_beat   = t_next;
        t_line_a = (t_sample % RING) * T_LINES + t_next;
        t_next   = t_next + 1;
        t_done   = t_next == T_LINES;
      end
    end
  endtask

  // Offers the next beat. The mode may change whenever none is on offer; junk is on the wires then.
  task stream;
    begin
      for (i = 0; i < 2; i = i + 1) tdata[i*32 +: 32] = $random(seed);
      if (chance(1)) train = $random(seed);
      tvalid = arrived < SAMPLES && !chance(in_stall);
      n      = X_BEATS + ((position == 0 ? train : with_t) ? T_BEATS : 0);
      tlast  = position + 1 == n;
      if (skipping ? chance(5) : ($unsigned($random(seed)) % 1000) < (tlast ? 8 : 1) * error_rate) tlast = !tlast;
      if (!tvalid) tlast = $random(seed);
    end
  endtask

  always @(posedge clk) begin
    edge_time = $time;
    cycles    = cycles + 1;
    if (rst_n) judge;
    short_q  = 0;
    long_q   = 0;
    x_line_b = x_line_a;
    t_line_b = t_line_a;
    x_line_a = -1;
    t_line_a = -1;
    fresh    = !tvalid || tready;
    if (rst_n && tvalid && tready) arrive;
    if (!rst_n) begin
      // The driver goes on in the middle of its packet; both sides take the rest for a packet.
      skipping = 0;
      position = 0;
      x_sample = arrived;
      t_sample = arrived;
      x_open   = 0;
      t_open   = 0;
      x_line_b = -1;
      t_line_b = -1;
      x_done   = 0;
      t_done   = 0;
    end
    #1;
    if (rst_n) core;
    if (fresh) stream;
    rst_n = cycles > 2 && ($unsigned($random(seed)) % 1000) >= resets;

    if (arrived >= SAMPLES && x_sample == arrived && t_sample == arrived) begin
      if (error_rate > 0 && (shorts == 0 || longs == 0)) fail("no bad packets were sent");
      $display("PASS: %0d samples, %0d short, %0d long, %0d cycles", arrived, shorts, longs, cycles);
      $finish;
    end
    if (cycles > hold + 2000 + 15 * SAMPLES * PARTS * (X_BEATS + T_BEATS)) fail("watchdog");
  end

  // Every output is a register's: it moves at clock edges and not with the inputs, which move 1 ns later.
  always @(tready or short_packet or long_packet or sample_valid or sample_train or x_data or t_data)
    if (cycles > 2 && $time != edge_time) fail("output follows an input");

  initial begin
    if (!$value$plusargs("seed=%d", seed)) seed = 1;
    if (!$value$plusargs("in_stall=%d", in_stall)) in_stall = 0;
    if (!$value$plusargs("core_stall=%d", core_stall)) core_stall = 0;
    if (!$value$plusargs("error_rate=%d", error_rate)) error_rate = 0;
    if (!$value$plusargs("resets=%d", resets)) resets = 0;
    if (!$value$plusargs("hold=%d", hold)) hold = 0;
    // Long enough for two samples at the slowest pace.
    if (hold != 0) hold = 20 + 2 * PARTS * (X_BEATS + T_BEATS);
    clk = 0; rst_n = 0; tvalid = 0; tlast = 0; tdata = 0; train = 0; x_done = 0; t_done = 0; x_beat = 0; t_beat = 0;
    arrived = 0; position = 0; skipping = 0; shorts = 0; longs = 0; done_at = 0; short_q = 0; long_q = 0; with_t = 0;
    x_sample = 0; t_sample = 0; x_open = 0; t_open = 0; x_line_a = -1; x_line_b = -1; t_line_a = -1; t_line_b = -1;
    cycles = 0; lows = 0; taken = 0; idle = 0; edge_time = 0;
  end
  always #5 clk = !clk;
endmodule
