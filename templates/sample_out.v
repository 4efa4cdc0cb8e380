// Sends output vectors on an AXI4-Stream: takes one from the core while it sends another.
//
// A vector comes as ceil(OUTPUTS/LANES) beats of LANES words, in ascending order, at any pace and without back-pressure: the
// core starts one only while free is high. It leaves as one packet of ceil(OUTPUTS/K) beats of K words, lowest word first: 8
// of 8 bits if DAC_BITS <= 8, else 4 of 16 bits, sign-extended; words beyond OUTPUTS are zero; TLAST is on the last beat.
//
// Latency: m_axis_tvalid rises 4 cycles after the vector's last beat if nothing else is on its way and LANES >= K (with
// LANES < K: 3 + the LANES-word beats in the first stream beat).
// free rises 1 cycle after the last beat of the vector on its way has been read from the memory.
// Throughput: one stream beat, or one beat of LANES words if that is the smaller, per cycle.
// All m_axis outputs are registers.
// A soft reset (rst_n low, aresetn high) keeps the protocol: a beat on offer stays until it is taken, and a packet that lacks
// its end is closed by a beat of zeros with TLAST.

`default_nettype none

module ${ name }$_sample_out #(
  parameter OUTPUTS   = 10,  // words of a vector
  parameter DAC_BITS  = 8,   // bits of a code, 2 to 16
  parameter LANES     = 8,   // words of a beat on the core's side, a power of two
  // Derived, not to be overridden: bits of a beat's number.
  parameter BEAT_BITS = $clog2((OUTPUTS + LANES - 1) / LANES) > 0 ? $clog2((OUTPUTS + LANES - 1) / LANES) : 1
) (
  input  wire                      clk,            // rising edge
  input  wire                      aresetn,        // bus reset, synchronous, active low
  input  wire                      rst_n,          // bus or soft reset, synchronous, active low: forgets all vectors

  output wire                      free,           // a whole vector can be taken; holds until its last beat came
  output wire                      busy,           // a vector waits or is on its way, or a packet has to be closed
  input  wire                      in_valid,       // in_beat and in_data hold a beat
  input  wire [BEAT_BITS-1:0]      in_beat,        // its number
  input  wire [LANES*DAC_BITS-1:0] in_data,        // its codes, lowest word first; words beyond OUTPUTS may be anything

  output reg  [63:0]               m_axis_tdata,   // K words, lowest first
  output reg                       m_axis_tvalid,  // a beat is offered; it stays until it is taken
  input  wire                      m_axis_tready,  // the beat is taken at this edge
  output reg                       m_axis_tlast    // last beat of the packet
);

  localparam WORD      = DAC_BITS <= 8 ? 8 : 16;
  localparam K         = 64 / WORD;
  localparam BEATS     = (OUTPUTS + LANES - 1) / LANES;
  localparam TAIL      = OUTPUTS - (BEATS - 1) * LANES;       // words in the last beat
  localparam PARTS     = LANES > K ? LANES / K : 1;           // stream beats of a full core beat
  localparam T_PARTS   = LANES > K ? (TAIL + K - 1) / K : 1;  // of the last one
  localparam PART_BITS = $clog2(PARTS) + 1;

  localparam [BEAT_BITS-1:0] LAST = BEATS[BEAT_BITS-1:0] - 1'b1;
  localparam [LANES-1:0]     KEEP = {LANES{1'b1}} >> (LANES - TAIL);

  reg [1:0]                wr_bank_q, rd_bank_q;  // one-hot
  reg [1:0]                full_q;     // per bank: a whole vector waits
  reg [BEAT_BITS-1:0]      rd_beat_q;  // next beat to read
  reg                      rd_valid_q, rd_last_q;
  reg [LANES*DAC_BITS-1:0] rd_data_q;  // the memory's output register

  // Memory, two banks

  reg [LANES*DAC_BITS-1:0] mem [0:(2<<BEAT_BITS)-1];

  localparam [1:0] BANK_0 = 2'b01;
  wire       wr_end  = in_valid && in_beat == LAST;
  wire       gear_in_ready;
  wire       rd_step = !rd_valid_q || gear_in_ready;
  wire       rd_take = rd_step && |(full_q & rd_bank_q);
  wire       rd_end  = rd_take && rd_beat_q == LAST;

  assign free = ~|(full_q & wr_bank_q);

  always @(posedge clk) begin
    if (in_valid) mem[{wr_bank_q[1], in_beat}] <= in_data;
    if (rd_step)  rd_data_q <= mem[{rd_bank_q[1], rd_beat_q}];
  end

  always @(posedge clk) if (rd_step) rd_last_q <= rd_beat_q == LAST;

  always @(posedge clk) begin
    if (!rst_n) begin
      wr_bank_q  <= BANK_0;
      rd_bank_q  <= BANK_0;
      full_q     <= 2'b00;
      rd_beat_q  <= {BEAT_BITS{1'b0}};
      rd_valid_q <= 1'b0;
    end else begin
      if (wr_end) wr_bank_q <= {wr_bank_q[0], wr_bank_q[1]};
      if (rd_end) rd_bank_q <= {rd_bank_q[0], rd_bank_q[1]};
      if (wr_end || rd_end) full_q <= (full_q | ({2{wr_end}} & wr_bank_q)) & ~({2{rd_end}} & rd_bank_q);
      if (rd_step) rd_valid_q <= rd_take;
      if (rd_take) rd_beat_q  <= rd_end ? {BEAT_BITS{1'b0}} : rd_beat_q + 1'b1;
    end
  end

  // Core beats to stream beats

  wire [LANES-1:0]          keep = rd_last_q ? KEEP : {LANES{1'b1}};
  reg  [LANES*DAC_BITS-1:0] codes;
  wire                      gear_valid, gear_ready, gear_last;
  wire [K*DAC_BITS-1:0]     gear_data;

  // They rest until a beat has been read.
  integer i;
  always @* begin
    codes = {(LANES*DAC_BITS) {1'b0}};
    if (rd_valid_q) begin
      for (i = 0; i < LANES; i = i + 1)
        codes[i*DAC_BITS +: DAC_BITS] = rd_data_q[i*DAC_BITS +: DAC_BITS] & {DAC_BITS{keep[i]}};
    end
  end

  ${ name }$_gear #(.WORD(DAC_BITS), .IN(LANES), .OUT(K)) gear (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (rd_valid_q),
    .in_ready (gear_in_ready),
    .in_last  (rd_last_q),
    .in_beats (rd_last_q ? T_PARTS[PART_BITS-1:0] : PARTS[PART_BITS-1:0]),
    .in_data  (codes),
    .out_valid(gear_valid),
    .out_ready(gear_ready),
    .out_last (gear_last),
    .out_data (gear_data)
  );

  // Vectors that have left the banks but not come to the stream's register: two at most
  reg [1:0] between_q;
  wire      between_out = gear_valid && gear_ready && gear_last;

  always @(posedge clk) begin
    if (!rst_n) between_q <= 2'd0;
    else if (rd_end != between_out) between_q <= rd_end ? between_q + 2'd1 : between_q - 2'd1;
  end

  // Stream registers

  reg [63:0] words;

  integer j;
  always @* begin
    for (j = 0; j < K; j = j + 1)
      words[j*WORD +: WORD] = {{(WORD - DAC_BITS + 1) {gear_data[j*DAC_BITS+DAC_BITS-1]}}, gear_data[j*DAC_BITS +: DAC_BITS-1]};
  end

  reg  open_q;   // the packet of the newest beat lacks its end
  reg  close_q;  // and has to be closed
  wire step = !m_axis_tvalid || m_axis_tready;

  assign busy       = |full_q || between_q != 2'd0 || m_axis_tvalid || close_q;
  assign gear_ready = step && !close_q && rst_n;

  always @(posedge clk) begin
    if (!aresetn) begin
      m_axis_tvalid <= 1'b0;
      open_q        <= 1'b0;
      close_q       <= 1'b0;
    end else begin
      if (step) m_axis_tvalid <= close_q || (gear_valid && rst_n);

      if (step && close_q)               open_q <= 1'b0;
      else if (gear_valid && gear_ready) open_q <= !gear_last;

      if (step && close_q) close_q <= 1'b0;
      else if (!rst_n)     close_q <= open_q;
    end
  end

  always @(posedge clk) begin
    if (step) begin
      m_axis_tdata <= words & {64{!close_q}};
      m_axis_tlast <= gear_last || close_q;
    end
  end

`ifdef FORMAL
  // A beat on offer stays as it is until it is taken, soft reset or not.
  reg f_past = 1'b0;

  always @(posedge clk) begin
    f_past <= 1'b1;
    if (!f_past) assume (!aresetn);
    if (f_past && $past(aresetn && m_axis_tvalid && !m_axis_tready))
      assert (m_axis_tvalid && $stable(m_axis_tdata) && $stable(m_axis_tlast));
  end
`endif

endmodule

`default_nettype wire

