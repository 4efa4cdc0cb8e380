// ${ name }$ behind a UART: the design with its emulated arrays, driven by frames as described in ${ name }$_link_bridge.
// This is what a board's top instantiates. 8 data bits, no parity, one stop bit.

`default_nettype none

module ${ name }$_link #(
  parameter BIT_CYCLES   = 104,  // clock cycles of a UART bit, at least 4
  parameter TIMEOUT_BITS = 17    // 2^TIMEOUT_BITS bits without progress end a request; at least 5
) (
  input  wire clk,      // rising edge
  input  wire rst_n,    // synchronous, active low
  input  wire uart_rx,  // from the host, asynchronous
  output wire uart_tx   // to the host
);

  wire [11:0] axil_awaddr;
  wire        axil_awvalid;
  wire        axil_awready;
  wire [31:0] axil_wdata;
  wire        axil_wvalid;
  wire        axil_wready;
  wire [1:0]  axil_bresp;
  wire        axil_bvalid;
  wire        axil_bready;
  wire [11:0] axil_araddr;
  wire        axil_arvalid;
  wire        axil_arready;
  wire [31:0] axil_rdata;
  wire [1:0]  axil_rresp;
  wire        axil_rvalid;
  wire        axil_rready;
  wire [63:0] sample_tdata;
  wire        sample_tvalid;
  wire        sample_tready;
  wire        sample_tlast;
  wire [63:0] output_tdata;
  wire        output_tvalid;
  wire        output_tready;
  wire        unused_output_tlast;

  ${ name }$_link_bridge #(
    .BIT_CYCLES  (BIT_CYCLES),
    .TIMEOUT_BITS(TIMEOUT_BITS)
  ) u_bridge (
    .clk           (clk),
    .rst_n         (rst_n),
    .uart_rx       (uart_rx),
    .uart_tx       (uart_tx),
    .m_axil_awaddr (axil_awaddr),
    .m_axil_awvalid(axil_awvalid),
    .m_axil_awready(axil_awready),
    .m_axil_wdata  (axil_wdata),
    .m_axil_wvalid (axil_wvalid),
    .m_axil_wready (axil_wready),
    .m_axil_bresp  (axil_bresp),
    .m_axil_bvalid (axil_bvalid),
    .m_axil_bready (axil_bready),
    .m_axil_araddr (axil_araddr),
    .m_axil_arvalid(axil_arvalid),
    .m_axil_arready(axil_arready),
    .m_axil_rdata  (axil_rdata),
    .m_axil_rresp  (axil_rresp),
    .m_axil_rvalid (axil_rvalid),
    .m_axil_rready (axil_rready),
    .m_axis_tdata  (sample_tdata),
    .m_axis_tvalid (sample_tvalid),
    .m_axis_tready (sample_tready),
    .m_axis_tlast  (sample_tlast),
    .s_axis_tdata  (output_tdata),
    .s_axis_tvalid (output_tvalid),
    .s_axis_tready (output_tready)
  );

  ${ name }$ u_core (
    .aclk          (clk),
    .aresetn       (rst_n),
    .s_axil_awaddr (axil_awaddr),
    .s_axil_awprot (3'd0),
    .s_axil_awvalid(axil_awvalid),
    .s_axil_awready(axil_awready),
    .s_axil_wdata  (axil_wdata),
    .s_axil_wstrb  (4'hf),
    .s_axil_wvalid (axil_wvalid),
    .s_axil_wready (axil_wready),
    .s_axil_bresp  (axil_bresp),
    .s_axil_bvalid (axil_bvalid),
    .s_axil_bready (axil_bready),
    .s_axil_araddr (axil_araddr),
    .s_axil_arprot (3'd0),
    .s_axil_arvalid(axil_arvalid),
    .s_axil_arready(axil_arready),
    .s_axil_rdata  (axil_rdata),
    .s_axil_rresp  (axil_rresp),
    .s_axil_rvalid (axil_rvalid),
    .s_axil_rready (axil_rready),
    .s_axis_tdata  (sample_tdata),
    .s_axis_tvalid (sample_tvalid),
    .s_axis_tready (sample_tready),
    .s_axis_tlast  (sample_tlast),
    .m_axis_tdata  (output_tdata),
    .m_axis_tvalid (output_tvalid),
    .m_axis_tready (output_tready),
    .m_axis_tlast  (unused_output_tlast)
  );

endmodule

`default_nettype wire
