// From UART frames to registers and streams, and back.
//
//   request  A5 LEN SEQ OP A0 A1 [words] CRC CRC   LEN: bytes from itself to the last of the CRC, 7 + 4 per word
//   reply    A5 LEN SEQ [words] STATUS CRC CRC     the first three as in the request; as many words as OP[5:0] says
//
//   OP[7:6]  0 read   OP[5:0] words from register A1[3:0],A0; with A1[7] all from the same address, else ascending
//            1 write  the words of the request, to addresses as in a read
//            2 stream the words of the request, in pairs, as beats to m_axis, TLAST with every A0-th of the frame (0: with none);
//                     then OP[5:0] words, in pairs, from beats of s_axis
//   STATUS   0 done, 1 a register answered with an error, 2 no progress for 2^TIMEOUT_BITS bits, 3 no such request;
//            with the first error execution stops, and words of the reply from there on mean nothing
//
// The CRC is CRC-16/MCRF4XX (x^16 + x^12 + x^5 + 1, lowest bit first, from FFFF), over LEN and what follows, low byte first.
// Nothing of a request is executed before its CRC was right; what is broken is dropped without an answer.
// A request with the SEQ[3:0] of the one before, unless 0, is taken for its repetition: the reply is sent again, nothing is
// executed. While a request is executed or answered, what comes on the line is ignored. Beats on s_axis are dropped unless the
// last request was a stream. What was on offer when a request ran out of time is withdrawn.

`default_nettype none

module ${ name }$_link_bridge #(
  parameter BIT_CYCLES   = 104,  // clock cycles of a UART bit, at least 4
  parameter TIMEOUT_BITS = 17    // 2^TIMEOUT_BITS bits without progress end a request
) (
  input  wire        clk,             // rising edge
  input  wire        rst_n,           // synchronous, active low

  input  wire        uart_rx,         // requests
  output wire        uart_tx,         // replies

  // AXI4-Lite
  output wire [11:0] m_axil_awaddr,   // with awvalid
  output reg         m_axil_awvalid,
  input  wire        m_axil_awready,
  output wire [31:0] m_axil_wdata,    // with wvalid
  output reg         m_axil_wvalid,
  input  wire        m_axil_wready,
  input  wire [1:0]  m_axil_bresp,    // with bvalid
  input  wire        m_axil_bvalid,
  output wire        m_axil_bready,
  output wire [11:0] m_axil_araddr,   // with arvalid
  output reg         m_axil_arvalid,
  input  wire        m_axil_arready,
  input  wire [31:0] m_axil_rdata,    // with rvalid
  input  wire [1:0]  m_axil_rresp,
  input  wire        m_axil_rvalid,
  output wire        m_axil_rready,

  // Samples to the machine
  output wire [63:0] m_axis_tdata,    // with tvalid
  output wire        m_axis_tvalid,
  input  wire        m_axis_tready,
  output wire        m_axis_tlast,    // with tvalid

  // Output vectors of the machine
  input  wire [63:0] s_axis_tdata,    // with tvalid
  input  wire        s_axis_tvalid,
  output wire        s_axis_tready
);

  localparam [7:0] START = 8'ha5;

  localparam [1:0] OP_READ   = 2'd0;
  localparam [1:0] OP_WRITE  = 2'd1;

  localparam [1:0] OK      = 2'd0;
  localparam [1:0] REFUSED = 2'd1;
  localparam [1:0] TIMEOUT = 2'd2;
  localparam [1:0] UNKNOWN = 2'd3;

  // Bits 3:2: 0 a request comes, 3 a reply goes
  localparam [3:0] ST_HUNT   = 4'b0000;  // waiting for a request to begin
  localparam [3:0] ST_BODY   = 4'b0001;  // receiving the rest of it
  localparam [3:0] ST_CHECK  = 4'b0010;  // is it whole?
  localparam [3:0] ST_HEAD   = 4'b0100;  // reading its header
  localparam [3:0] ST_NEXT   = 4'b0101;  // what is to be done next?
  localparam [3:0] ST_FETCH  = 4'b0110;  // reading a word or a beat
  localparam [3:0] ST_PUT    = 4'b0111;  // handing it on
  localparam [3:0] ST_TAKE   = 4'b1000;  // taking a word or a beat for the reply
  localparam [3:0] ST_STATUS = 4'b1001;
  localparam [3:0] ST_REPLY  = 4'b1100;  // sending the reply
  localparam [3:0] ST_CRC    = 4'b1101;

  reg [3:0]              state_q, state_d;
  reg [7:0]              wr_ptr_q;   // next byte to write: of the request while it comes, then of the reply
  reg [7:0]              rd_ptr_q;   // byte to read: of the request while it is executed, then of the reply
  reg                    fresh_q;    // rd_byte is that byte
  reg [7:2]              len_q;      // words of the request, header included
  reg [3:0]              seq_q;      // number of the request executed last
  reg                    repeated_q;
  reg [1:0]              op_q;       // of the last request
  reg [5:0]              words_q;    // words of the reply
  reg [11:0]             addr_q;     // register, or beats of a packet
  reg                    fixed_q;    // all words from or to one register
  reg [63:0]             beat_q;     // bytes enter at the top and leave at the bottom
  reg [4:0]              packet_q;   // beat of the packet, from 1
  reg [1:0]              status_q, status_d;
  reg [15:0]             crc_q;
  reg [TIMEOUT_BITS:0]   idle_q;     // bits without progress

  wire in_hunt   = state_q == ST_HUNT;
  wire in_body   = state_q == ST_BODY;
  wire in_check  = state_q == ST_CHECK;
  wire in_head   = state_q == ST_HEAD;
  wire in_next   = state_q == ST_NEXT;
  wire in_fetch  = state_q == ST_FETCH;
  wire in_put    = state_q == ST_PUT;
  wire in_take   = state_q == ST_TAKE;
  wire in_status = state_q == ST_STATUS;
  wire in_reply  = state_q == ST_REPLY;
  wire in_crc    = state_q == ST_CRC;

  wire receiving = state_q[3:2] == 2'd0;
  wire sending   = state_q[3:2] == 2'd3;

  // Line

  wire       rx_strobe, rx_value, rx_valid, rx_error;
  wire [7:0] rx_byte;
  wire       tick, tx_ready, tx_strobe, tx_value;
  wire [7:0] rd_byte;
  wire       send = fresh_q && (in_reply || (in_crc && !rd_ptr_q[1]));  // a byte goes to the transmitter

  ${ name }$_link_rx #(.BIT_CYCLES(BIT_CYCLES)) rx (
    .clk       (clk),
    .rst_n     (rst_n),
    .uart_rx   (uart_rx),
    .bit_strobe(rx_strobe),
    .bit_value (rx_value),
    .valid     (rx_valid),
    .error     (rx_error),
    .data      (rx_byte)
  );

  ${ name }$_link_tx #(.BIT_CYCLES(BIT_CYCLES)) tx (
    .clk       (clk),
    .rst_n     (rst_n),
    .uart_tx   (uart_tx),
    .tick      (tick),
    .valid     (send),
    .ready     (tx_ready),
    .data      (rd_byte),
    .serial    (in_crc && rd_ptr_q[1:0] != 2'd0),
    .serial_bit(crc_q[0]),
    .bit_strobe(tx_strobe),
    .bit_value (tx_value)
  );

  // Memory: the request in its lower half, the words and the status of the last reply in its upper one

  wire reply_head = rd_ptr_q[7:2] == 6'd0 && rd_ptr_q[1:0] != 2'd3;

  // The bytes of a word or a beat in the order in which the pointer meets them: words of a reply begin at 3
  reg [7:0] word_byte, beat_byte;

  always @* begin
    case (wr_ptr_q[1:0])
      2'd3:    word_byte = m_axil_rdata[7:0];
      2'd0:    word_byte = m_axil_rdata[15:8];
      2'd1:    word_byte = m_axil_rdata[23:16];
      default: word_byte = m_axil_rdata[31:24];
    endcase
    case (wr_ptr_q[2:0])
      3'd3:    beat_byte = s_axis_tdata[7:0];
      3'd4:    beat_byte = s_axis_tdata[15:8];
      3'd5:    beat_byte = s_axis_tdata[23:16];
      3'd6:    beat_byte = s_axis_tdata[31:24];
      3'd7:    beat_byte = s_axis_tdata[39:32];
      3'd0:    beat_byte = s_axis_tdata[47:40];
      3'd1:    beat_byte = s_axis_tdata[55:48];
      default: beat_byte = s_axis_tdata[63:56];
    endcase
  end

  // After an error, and for words that a request does not produce, there is always something to take.
  wire filling  = status_q != OK || op_q[0];
  wire there    = filling || (op_q[1] ? s_axis_tvalid : m_axil_rvalid);
  wire take_end = wr_ptr_q[1:0] == 2'd2 && (filling || !op_q[1] || !wr_ptr_q[2]);
  wire wr_en    = (receiving && rx_valid) || (in_take && there) || in_status;

  ${ name }$_vector_mem #(.WIDTH(8), .DEPTH(512), .ADDR_BITS(9)) frames (
    .clk    (clk),
    .wr_en  (wr_en),
    .wr_addr({!receiving, wr_ptr_q}),
    .wr_data(in_status ? {6'd0, status_q} : receiving ? rx_byte : op_q[1] ? beat_byte : word_byte),
    .rd_en  (!wr_en),
    .rd_addr({sending && !reply_head, rd_ptr_q}),
    .rd_data(rd_byte)
  );

  // Next state

  wire request_end = wr_ptr_q[7:2] == len_q && wr_ptr_q[1:0] == 2'd3;
  wire good        = crc_q == 16'd0 && len_q != 6'd0;
  wire repeated    = rd_byte[3:0] == seq_q && seq_q != 4'd0;
  wire consumed    = rd_ptr_q[7:2] == len_q;
  wire replied     = wr_ptr_q[7:2] == words_q;
  wire reply_end   = rd_ptr_q[7:2] == words_q && rd_ptr_q[1:0] == 2'd3;
  wire put         = op_q[1] ? m_axis_tready : m_axil_bvalid;
  wire well        = status_q == OK;
  wire fetched     = fresh_q && rd_ptr_q[1:0] == 2'd1 && (!op_q[1] || rd_ptr_q[2]);  // the last byte of a word or a beat
  wire expired     = idle_q[TIMEOUT_BITS];
  wire unknown     = op_q[1] && (op_q[0] || !len_q[2] || words_q[0]);  // half a beat, too

  // The bytes of the header
  wire at_seq = in_head && fresh_q && !rd_ptr_q[2] && !rd_ptr_q[0];
  wire at_op  = in_head && fresh_q && !rd_ptr_q[2] && rd_ptr_q[0];
  wire at_a0  = in_head && fresh_q && rd_ptr_q[2] && !rd_ptr_q[0];
  wire at_a1  = in_head && fresh_q && rd_ptr_q[2] && rd_ptr_q[0];

  always @* begin
    state_d  = state_q;
    status_d = status_q;

    case (state_q)
      ST_HUNT: begin
        status_d = OK;
        if (rx_valid && rx_byte == START) state_d = ST_BODY;
      end
      ST_BODY: begin
        if (rx_error || expired)          state_d = ST_HUNT;
        else if (rx_valid && request_end) state_d = ST_CHECK;
      end
      ST_CHECK: state_d = good ? ST_HEAD : ST_HUNT;

      ST_HEAD: begin
        if (at_op && repeated_q) state_d = ST_REPLY;
        else if (at_a1)          state_d = ST_NEXT;
      end
      ST_NEXT: begin
        if (unknown) status_d = UNKNOWN;
        if (!unknown && well && op_q != OP_READ && !consumed) state_d = ST_FETCH;
        else                                                  state_d = replied ? ST_STATUS : ST_TAKE;
      end
      ST_FETCH: if (fetched) state_d = ST_PUT;
      ST_PUT: begin
        if (put) status_d = !op_q[1] && m_axil_bresp[1] ? REFUSED : OK;
        else if (expired) status_d = TIMEOUT;
        if (put || expired) state_d = ST_NEXT;
      end
      ST_TAKE: begin
        if (!filling) begin
          if (!there) status_d = expired ? TIMEOUT : OK;
          else        status_d = !op_q[1] && m_axil_rresp[1] ? REFUSED : OK;
        end
        if (there && take_end) state_d = ST_NEXT;
      end
      ST_STATUS: state_d = ST_REPLY;

      ST_REPLY: if (send && tx_ready && reply_end) state_d = ST_CRC;
      ST_CRC:   if (tx_ready && rd_ptr_q[1]) state_d = ST_HUNT;
      default:  state_d = ST_HUNT;
    endcase
  end

  // Registers

  wire rd_step = in_check || ((in_head || in_fetch) && fresh_q) || (send && tx_ready);

  always @(posedge clk) begin
    if (!rst_n) begin
      state_q <= ST_HUNT;
      seq_q   <= 4'd0;
      op_q    <= OP_READ;
    end else begin
      state_q <= state_d;
      if (at_seq) seq_q <= rd_byte[3:0];
      if (at_op) op_q <= rd_byte[7:6];
    end
  end

  always @(posedge clk) begin
    status_q <= status_d;
    fresh_q  <= !rd_step && !wr_en;

    if (in_status || (at_op && repeated_q)) rd_ptr_q <= 8'd0;
    else if (in_hunt)                       rd_ptr_q <= 8'd1;
    else if (rd_step)                       rd_ptr_q <= rd_ptr_q + 8'd1;

    if (in_hunt && !rx_valid) wr_ptr_q <= 8'd0;
    else if (in_check)        wr_ptr_q <= 8'd3;
    else if (wr_en)           wr_ptr_q <= wr_ptr_q + 8'd1;

    if (in_hunt || in_next || (in_body && rx_valid)) idle_q <= {(TIMEOUT_BITS + 1) {1'b0}};
    else if (tick)                                   idle_q <= idle_q + 1'b1;

    if (in_hunt || (in_reply && reply_head && !rd_ptr_q[1])) crc_q <= 16'hffff;
    else if (sending ? tx_strobe : rx_strobe)
      crc_q <= {1'b0, crc_q[15:1]} ^ (crc_q[0] ^ (sending ? tx_value : rx_value) ? 16'h8408 : 16'h0000);
  end

  always @(posedge clk) begin
    // While a request comes, the byte that is read is LEN.
    if (receiving) len_q <= rd_byte[7:2];
    if (at_seq) repeated_q <= repeated;
    if (at_op) words_q <= rd_byte[5:0];

    if (at_a0)      addr_q[7:0] <= rd_byte;
    else if (at_a1) {fixed_q, addr_q[11:8]} <= {rd_byte[7], rd_byte[3:0]};
    else if (!op_q[1] && !fixed_q && ((in_put && put) || (in_take && there && take_end))) addr_q[5:2] <= addr_q[5:2] + 4'd1;

    if (in_check)                     packet_q <= 5'd1;
    else if (in_put && m_axis_tready) packet_q <= m_axis_tlast ? 5'd1 : packet_q + 5'd1;

    if (in_fetch && fresh_q) beat_q <= {rd_byte, beat_q[63:8]};
  end

  // Buses

  assign m_axil_awaddr = addr_q;
  assign m_axil_araddr = addr_q;
  assign m_axil_wdata  = beat_q[63:32];
  assign m_axil_bready = 1'b1;
  assign m_axil_rready = !in_take || take_end;
  assign m_axis_tdata  = beat_q;
  assign m_axis_tvalid = in_put && op_q[1];
  assign m_axis_tlast  = packet_q == addr_q[4:0];
  assign s_axis_tready = !op_q[1] || (in_take && take_end);

  // An address may be taken long before the answer comes.
  always @(posedge clk) begin
    if (in_next || in_fetch) begin
      m_axil_arvalid <= in_next && op_q == OP_READ && well && !replied;
      m_axil_awvalid <= in_fetch && op_q == OP_WRITE && fetched;
      m_axil_wvalid  <= in_fetch && op_q == OP_WRITE && fetched;
    end else begin
      m_axil_arvalid <= m_axil_arvalid && in_take && !m_axil_arready;
      m_axil_awvalid <= m_axil_awvalid && in_put && !m_axil_awready;
      m_axil_wvalid  <= m_axil_wvalid && in_put && !m_axil_wready;
    end
  end

  wire unused_bits = &{1'b0, m_axil_rresp[0], m_axil_bresp[0]};

endmodule

`default_nettype wire
