// Receives samples from an AXI4-Stream and keeps them in two banks: one loads while the other is used.
//
// A packet is ceil(INPUTS/K) beats of x and, if train is high when its first beat is taken, ceil(OUTPUTS/K) beats of targets
// t; TLAST marks the last beat. A beat holds K words of WORD bits, lowest word first: 8 of 8 bits if DAC_BITS <= 8, else 4
// of 16 bits. The DAC code is the low DAC_BITS bits of a word; the bits above it are ignored.
//   short packet  TLAST comes early: the sample is dropped.
//   long packet   the last expected beat has no TLAST: the sample is dropped, and all beats up to the next TLAST with it.
// Words beyond INPUTS and OUTPUTS are stored as zero, whatever the stream holds there.
//
// Latency: sample_valid rises 2 cycles after the last beat was taken (with K > LANES: 1 + the LANES-word beats in it).
// Throughput: one stream beat, or one beat of LANES words if that is the smaller, per cycle.
// s_axis_tready depends on registers alone; of all outputs, only busy depends on an input within the cycle.

`default_nettype none

module ${ name }$_sample_in #(
  parameter INPUTS      = 64,  // words of x
  parameter OUTPUTS     = 10,  // words of t
  parameter DAC_BITS    = 8,   // bits of a code, 2 to 16
  parameter LANES       = 8,   // words of a beat on the core's side, a power of two
  // Derived, not to be overridden: bits of a beat's number on the core's side.
  parameter X_BEAT_BITS = $clog2((INPUTS + LANES - 1) / LANES) > 0 ? $clog2((INPUTS + LANES - 1) / LANES) : 1,
  parameter T_BEAT_BITS = $clog2((OUTPUTS + LANES - 1) / LANES) > 0 ? $clog2((OUTPUTS + LANES - 1) / LANES) : 1
) (
  input  wire                      clk,            // rising edge
  input  wire                      rst_n,          // synchronous, active low: forgets all samples; a new packet is expected

  input  wire [63:0]               s_axis_tdata,   // K words, lowest first
  input  wire                      s_axis_tvalid,  // a beat is offered
  output wire                      s_axis_tready,  // the beat is taken at this edge
  input  wire                      s_axis_tlast,   // last beat of the packet

  input  wire                      train,          // packets bring targets; looked at with the first beat of a packet
  output reg                       short_packet,   // one-cycle pulse: a sample was dropped because its packet was short
  output reg                       long_packet,    // one-cycle pulse: a sample was dropped because its packet is long

  output wire                      busy,           // a packet is on offer or being received, or a sample is held
  output wire                      sample_valid,   // a whole sample waits on the x side
  output wire                      sample_train,   // it has targets; with sample_valid
  input  wire                      x_done,         // pulse: release x of that sample; the x side is the next one's from then on
  input  wire [X_BEAT_BITS-1:0]    x_rd_beat,      // beat of x to read
  output reg  [LANES*DAC_BITS-1:0] x_rd_data,      // that beat, one cycle later
  input  wire                      t_done,         // pulse: release t; the t side goes to the next sample that has targets
  input  wire [T_BEAT_BITS-1:0]    t_rd_beat,      // beat of t to read
  output reg  [LANES*DAC_BITS-1:0] t_rd_data       // that beat, one cycle later
);

  localparam WORD      = DAC_BITS <= 8 ? 8 : 16;
  localparam K         = 64 / WORD;
  localparam X_BEATS   = (INPUTS + K - 1) / K;    // stream beats of x
  localparam T_BEATS   = (OUTPUTS + K - 1) / K;
  localparam MOST      = X_BEATS > T_BEATS ? X_BEATS : T_BEATS;
  localparam BITS      = MOST > 1 ? $clog2(MOST) : 1;
  localparam X_TAIL    = INPUTS - (X_BEATS - 1) * K;  // words in the last beat
  localparam T_TAIL    = OUTPUTS - (T_BEATS - 1) * K;
  localparam PARTS     = K > LANES ? K / LANES : 1;   // core beats of a full stream beat
  localparam X_PARTS   = K > LANES ? (X_TAIL + LANES - 1) / LANES : 1;
  localparam T_PARTS   = K > LANES ? (T_TAIL + LANES - 1) / LANES : 1;
  localparam PART_BITS = $clog2(PARTS) + 1;
  localparam WR_BITS   = X_BEAT_BITS > T_BEAT_BITS ? X_BEAT_BITS : T_BEAT_BITS;

  localparam [BITS-1:0] X_LAST = X_BEATS[BITS-1:0] - 1'b1;
  localparam [BITS-1:0] T_LAST = T_BEATS[BITS-1:0] - 1'b1;
  localparam [K-1:0] X_KEEP = {K{1'b1}} >> (K - X_TAIL);
  localparam [K-1:0] T_KEEP = {K{1'b1}} >> (K - T_TAIL);

  localparam [1:0] BANK_0   = 2'b01;
  localparam [1:0] ST_FIRST = 2'd0;  // between packets
  localparam [1:0] ST_X     = 2'd1;
  localparam [1:0] ST_T     = 2'd2;
  localparam [1:0] ST_SKIP  = 2'd3;  // in the rest of a packet that is not wanted

  reg [1:0]      state_q, state_d;
  reg [BITS-1:0] beat_q, beat_d;     // number of the next stream beat within x or t
  reg            train_q;            // the packet being received brings targets
  reg [1:0]      in_bank_q;          // bank of that packet, one-hot as all numbers of banks
  reg [1:0]      wr_bank_q;          // bank of the beat that leaves the gear; lags behind in_bank_q
  reg            wr_t_q;             // that beat is one of t
  reg [WR_BITS-1:0] wr_beat_q;       // and its number
  reg [1:0]      x_bank_q, t_bank_q; // banks that the core reads
  reg [1:0]      x_held_q, t_held_q; // per bank: taken, not yet released
  reg [1:0]      valid_q;            // per bank: a whole sample has been written
  reg [1:0]      targets_q;          // per bank: the sample has targets

  // Receiving

  wire in_t         = state_q == ST_T;
  wire with_targets = state_q == ST_FIRST ? train : train_q;
  wire part_end     = beat_q == (in_t ? T_LAST : X_LAST);
  wire packet_end   = part_end && (in_t || !with_targets);
  wire bank_free;
  wire gear_ready;
  wire take         = s_axis_tvalid && s_axis_tready;
  reg  push, commit, drop, short_d, long_d;

  assign s_axis_tready = gear_ready && (state_q != ST_FIRST || bank_free);

  always @* begin
    state_d = state_q;
    beat_d  = beat_q;
    push    = 1'b0;
    commit  = 1'b0;
    drop    = 1'b0;
    short_d = 1'b0;
    long_d  = 1'b0;
    if (take) begin
      if (state_q == ST_SKIP) begin
        if (s_axis_tlast) state_d = ST_FIRST;
      end else if (packet_end != s_axis_tlast) begin
        drop    = 1'b1;
        short_d = s_axis_tlast;
        long_d  = !s_axis_tlast;
        beat_d  = {BITS{1'b0}};
        state_d = s_axis_tlast ? ST_FIRST : ST_SKIP;
      end else begin
        push    = 1'b1;
        commit  = packet_end;
        beat_d  = part_end ? {BITS{1'b0}} : beat_q + 1'b1;
        state_d = packet_end ? ST_FIRST : (in_t || part_end) ? ST_T : ST_X;
      end
    end
  end

  always @(posedge clk) begin
    if (!rst_n) begin
      state_q      <= ST_FIRST;
      beat_q       <= {BITS{1'b0}};
      in_bank_q    <= BANK_0;
      short_packet <= 1'b0;
      long_packet  <= 1'b0;
    end else begin
      state_q      <= state_d;
      beat_q       <= beat_d;
      if (commit) in_bank_q <= {in_bank_q[0], in_bank_q[1]};
      short_packet <= short_d;
      long_packet  <= long_d;
    end
  end

  always @(posedge clk) if (take) train_q <= with_targets;

  // Stream words to core beats. A dropped sample's words are emptied out of the gear; those of the sample before it have
  // left by then, for a beat is only taken when the gear is empty from the next cycle on.

  wire [K-1:0]              keep = !part_end ? {K{1'b1}} : in_t ? T_KEEP : X_KEEP;
  reg  [K*DAC_BITS-1:0]     codes;
  wire                      wr_valid, wr_last;
  wire [LANES*DAC_BITS-1:0] wr_data;

  // They rest until a beat is pushed.
  integer i;
  always @* begin
    codes = {(K*DAC_BITS) {1'b0}};
    if (push) begin
      for (i = 0; i < K; i = i + 1)
        codes[i*DAC_BITS +: DAC_BITS] = s_axis_tdata[i*WORD +: DAC_BITS] & {DAC_BITS{keep[i]}};
    end
  end

  ${ name }$_gear #(.WORD(DAC_BITS), .IN(K), .OUT(LANES)) gear (
    .clk      (clk),
    .rst_n    (rst_n && !drop),
    .in_valid (push),
    .in_ready (gear_ready),
    .in_last  (part_end),
    .in_beats (!part_end ? PARTS[PART_BITS-1:0] : in_t ? T_PARTS[PART_BITS-1:0] : X_PARTS[PART_BITS-1:0]),
    .in_data  (codes),
    .out_valid(wr_valid),
    .out_ready(1'b1),
    .out_last (wr_last),
    .out_data (wr_data)
  );

  // Writing

  wire wr_end = wr_valid && wr_last && (wr_t_q || !train_q);

  always @(posedge clk) begin
    if (!rst_n)      wr_bank_q <= BANK_0;
    else if (wr_end) wr_bank_q <= {wr_bank_q[0], wr_bank_q[1]};

    if (!rst_n || drop) begin
      wr_t_q    <= 1'b0;
      wr_beat_q <= {WR_BITS{1'b0}};
    end else if (wr_valid) begin
      wr_t_q    <= wr_last ? !wr_end : wr_t_q;
      wr_beat_q <= wr_last ? {WR_BITS{1'b0}} : wr_beat_q + 1'b1;
    end
  end

  // A bank is read for use only when it has been written, so synthesis need not care what a read during a write gives.
  (* no_rw_check *)
  reg [LANES*DAC_BITS-1:0] x_mem [0:(2<<X_BEAT_BITS)-1];
  (* no_rw_check *)
  reg [LANES*DAC_BITS-1:0] t_mem [0:(2<<T_BEAT_BITS)-1];

  always @(posedge clk) begin
    if (wr_valid && !wr_t_q) x_mem[{wr_bank_q[1], wr_beat_q[X_BEAT_BITS-1:0]}] <= wr_data;
    x_rd_data <= x_mem[{x_bank_q[1], x_rd_beat}];
  end

  always @(posedge clk) begin
    if (wr_valid && wr_t_q) t_mem[{wr_bank_q[1], wr_beat_q[T_BEAT_BITS-1:0]}] <= wr_data;
    t_rd_data <= t_mem[{t_bank_q[1], t_rd_beat}];
  end

  // Banks: their numbers are masks that set and clear the banks' flags

  // A sample without targets leaves the t side by itself as soon as it comes to its head.
  wire t_release = t_done || |(t_held_q & ~targets_q & t_bank_q);

  assign bank_free    = ~|((x_held_q | t_held_q) & in_bank_q);
  // With the first beat on offer, so that nobody changes the mode in the very cycle in which that beat is taken.
  assign busy         = s_axis_tvalid || state_q != ST_FIRST || |(x_held_q | t_held_q);
  assign sample_valid = |(valid_q & x_bank_q);
  assign sample_train = |(targets_q & x_bank_q);

  always @(posedge clk) begin
    if (!rst_n) begin
      x_held_q <= 2'b00;
      t_held_q <= 2'b00;
      valid_q  <= 2'b00;
      x_bank_q <= BANK_0;
      t_bank_q <= BANK_0;
    end else if (commit || wr_end || x_done || t_release) begin
      x_held_q <= (x_held_q | ({2{commit}} & in_bank_q)) & ~({2{x_done}} & x_bank_q);
      t_held_q <= (t_held_q | ({2{commit}} & in_bank_q)) & ~({2{t_release}} & t_bank_q);
      valid_q  <= (valid_q | ({2{wr_end}} & wr_bank_q)) & ~({2{x_done}} & x_bank_q);
      x_bank_q <= x_done ? {x_bank_q[0], x_bank_q[1]} : x_bank_q;
      t_bank_q <= t_release ? {t_bank_q[0], t_bank_q[1]} : t_bank_q;
    end
  end

  always @(posedge clk) begin
    if (commit) targets_q <= (targets_q & ~in_bank_q) | ({2{with_targets}} & in_bank_q);
  end

  wire unused_bits = &{1'b0, s_axis_tdata};

endmodule

`default_nettype wire

