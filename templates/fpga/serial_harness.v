// Stand-in for the host link: all inputs of the design come out of one shift register, all outputs go into another, so that the
// design can be placed and its timing measured on any number of pins.
`default_nettype none
module ${ name }$_link #(
    parameter BIT_CYCLES = 16  // not used
) (
    input  wire clk,
    input  wire rst_n,
    input  wire uart_rx,
    output wire uart_tx
);
  localparam INS  = 138;
  localparam OUTS = 109;
  reg  [INS-1:0]  in_q;
  reg  [OUTS-1:0] out_q;
  reg  [6:0]      count_q;
  wire [OUTS-1:0] outs;

  always @(posedge clk) begin
    in_q    <= {in_q[INS-2:0], uart_rx};
    count_q <= rst_n ? count_q + 7'd1 : 7'd0;
    out_q   <= count_q == 7'd0 ? outs : {out_q[OUTS-2:0], BIT_CYCLES == 0};
  end
  assign uart_tx = out_q[OUTS-1];

  ${ name }$ u_core (
      .aclk          (clk),
      .aresetn       (rst_n),
      .s_axil_awaddr (in_q[11:0]),
      .s_axil_awprot (in_q[14:12]),
      .s_axil_awvalid(in_q[15]),
      .s_axil_awready(outs[0]),
      .s_axil_wdata  (in_q[47:16]),
      .s_axil_wstrb  (in_q[51:48]),
      .s_axil_wvalid (in_q[52]),
      .s_axil_wready (outs[1]),
      .s_axil_bresp  (outs[3:2]),
      .s_axil_bvalid (outs[4]),
      .s_axil_bready (in_q[53]),
      .s_axil_araddr (in_q[65:54]),
      .s_axil_arprot (in_q[68:66]),
      .s_axil_arvalid(in_q[69]),
      .s_axil_arready(outs[5]),
      .s_axil_rdata  (outs[37:6]),
      .s_axil_rresp  (outs[39:38]),
      .s_axil_rvalid (outs[40]),
      .s_axil_rready (in_q[70]),
      .s_axis_tdata  (in_q[134:71]),
      .s_axis_tvalid (in_q[135]),
      .s_axis_tready (outs[41]),
      .s_axis_tlast  (in_q[136]),
      .m_axis_tdata  (outs[105:42]),
      .m_axis_tvalid (outs[106]),
      .m_axis_tready (in_q[137]),
      .m_axis_tlast  (outs[107])
  );
  assign outs[108] = 1'b0;
endmodule
`default_nettype wire
