// Smoke test of ${ name }$: after reset the registers answer, and a setting keeps what is written. `memrtl cosim` checks the rest.
`timescale 1ns / 1ps
`default_nettype none
module ${ name }$_tb;
  reg         aclk = 1'b0;
  reg         aresetn = 1'b0;
  reg  [11:0] awaddr = 12'd0;
  reg         awvalid = 1'b0;
  wire        awready;
  reg  [31:0] wdata = 32'd0;
  reg         wvalid = 1'b0;
  wire        wready;
  wire [1:0]  bresp;
  wire        bvalid;
  reg  [11:0] araddr = 12'd0;
  reg         arvalid = 1'b0;
  wire        arready;
  wire [31:0] rdata;
  wire [1:0]  rresp;
  wire        rvalid;

  always #1 aclk = !aclk;

  ${ name }$ dut (
      .aclk          (aclk),
      .aresetn       (aresetn),
      .s_axil_awaddr (awaddr),
      .s_axil_awprot (3'd0),
      .s_axil_awvalid(awvalid),
      .s_axil_awready(awready),
      .s_axil_wdata  (wdata),
      .s_axil_wstrb  (4'hf),
      .s_axil_wvalid (wvalid),
      .s_axil_wready (wready),
      .s_axil_bresp  (bresp),
      .s_axil_bvalid (bvalid),
      .s_axil_bready (1'b1),
      .s_axil_araddr (araddr),
      .s_axil_arprot (3'd0),
      .s_axil_arvalid(arvalid),
      .s_axil_arready(arready),
      .s_axil_rdata  (rdata),
      .s_axil_rresp  (rresp),
      .s_axil_rvalid (rvalid),
      .s_axil_rready (1'b1),
<%- for input in idle %>
      .${ input }$(0),
<%- endfor %>
      .s_axis_tdata  (64'd0),
      .s_axis_tvalid (1'b0),
      .s_axis_tlast  (1'b0),
      .m_axis_tready (1'b1)
  );

  // Inputs change between the edges that the design sees.
  task write(input [11:0] address, input [31:0] data);
    begin
      @(negedge aclk);
      awaddr = address;
      wdata = data;
      awvalid = 1'b1;
      wvalid = 1'b1;
      // Both channels are free between requests.
      @(negedge aclk);
      awvalid = 1'b0;
      wvalid = 1'b0;
      while (!bvalid) @(negedge aclk);
      if (bresp != 2'd0) fail("a write was refused", address, {30'd0, bresp});
    end
  endtask

  task expect_value(input [11:0] address, input [31:0] value);
    begin
      @(negedge aclk);
      araddr = address;
      arvalid = 1'b1;
      @(negedge aclk);
      arvalid = 1'b0;
      while (!rvalid) @(negedge aclk);
      if (rresp != 2'd0 || rdata !== value) fail("a register holds another value", address, rdata);
    end
  endtask

  task fail(input [8*32-1:0] what, input [11:0] address, input [31:0] value);
    begin
      $display("FAIL: %0s: address %h, value %h", what, address, value);
      // An error that ends a run in scripts, too.
      $stop;
      $finish;
    end
  endtask

  initial begin
    repeat (8) @(negedge aclk);
    aresetn = 1'b1;
    repeat (4) @(negedge aclk);
<%- for (address, value) in constants %>
    expect_value(${ address }$, ${ value }$);
<%- endfor %>
    write(${ setting }$, 32'd1234);
    expect_value(${ setting }$, 32'd1234);
    $display("PASS");
    $finish;
  end

  initial begin
    repeat (10000) @(negedge aclk);
    $display("FAIL: no answer");
    $stop;
    $finish;
  end
endmodule
`default_nettype wire
