// Runs a design that knows 0, 1, x and z from a script of bus operations, and tells what it answers and each unknown bit that leaves
// it. `script` holds an operation a line: 1 write, 2 read, 3 open the input stream and wait for so many output vectors, 4 wait until idle, 0 end; `beats` holds the
// input stream: TLAST, then the data.
`timescale 1ps / 1ps
module tb;
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
  wire        in_ready;
  wire [63:0] out_data;
  wire        out_valid, out_last;

  reg  [47:0] script[0:4095];
  reg  [64:0] beats[0:4095];
  integer     step = 0, beat = 0, vectors = 0, unknown = 0;
  wire [3:0]  op      = script[step][47:44];
  wire [11:0] address = script[step][43:32];
  wire [31:0] value   = script[step][31:0];
  // Samples come when the machine runs; there is no beat behind the last one.
  reg         open = 1'b0;
  wire        offered = open && ^beats[beat] !== 1'bx;

  always #5 aclk = !aclk;

  DESIGN dut (
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
      .s_axis_tdata  (offered ? beats[beat][63:0] : 64'd0),
      .s_axis_tvalid (offered),
      .s_axis_tready (in_ready),
      .s_axis_tlast  (offered && beats[beat][64]),
      .m_axis_tdata  (out_data),
      .m_axis_tvalid (out_valid),
      .m_axis_tready (1'b1),
      .m_axis_tlast  (out_last)
  );

  task known(input [8*24-1:0] name, input parity);
    if (parity !== 1'b0 && parity !== 1'b1) begin
      unknown = unknown + 1;
      if (unknown <= 20) $display("X %0s at %0t", name, $time);
    end
  endtask

  // A beat went at the rising edge.
  reg         took = 1'b0;
  always @(posedge aclk) took <= offered && in_ready;

  // Inputs change at falling edges, outputs are looked at before.
  always @(negedge aclk) if (aresetn) begin
    known("awready", awready);
    known("wready", wready);
    known("bvalid", bvalid);
    known("arready", arready);
    known("rvalid", rvalid);
    known("in_ready", in_ready);
    known("out_valid", out_valid);
    if (bvalid) known("bresp", ^bresp);
    if (rvalid) known("rdata", ^{rresp, rdata});
    if (out_valid) known("out_data", ^{out_last, out_data});
    WATCHED
    if (out_valid) begin
      $display("OUT %h", out_data);
      if (out_last) vectors = vectors + 1;
    end
    if (took) beat = beat + 1;
  end

  task read;
    begin
      araddr = address;
      arvalid = 1'b1;
      @(negedge aclk);
      arvalid = 1'b0;
      while (rvalid !== 1'b1) @(negedge aclk);
      if (rresp !== 2'd0) $display("REFUSED %h", address);
    end
  endtask

  initial begin
    $readmemh("script.hex", script);
    $readmemh("beats.hex", beats);
    repeat (8) @(negedge aclk);
    aresetn = 1'b1;
    while (op != 4'd0) begin
      @(negedge aclk);
      case (op)
        4'd1: begin
          awaddr = address;
          wdata = value;
          awvalid = 1'b1;
          wvalid = 1'b1;
          // Both channels are free between requests.
          @(negedge aclk);
          awvalid = 1'b0;
          wvalid = 1'b0;
          while (bvalid !== 1'b1) @(negedge aclk);
          if (bresp !== 2'd0) $display("REFUSED %h", address);
        end
        4'd2: begin
          read;
          $display("READ %h", rdata);
        end
        4'd3: begin
          open = 1'b1;
          while (vectors < value) @(negedge aclk);
        end
        4'd4: begin
          read;
          while (rdata[0] !== 1'b0) read;
        end
      endcase
      step = step + 1;
    end
    $display("UNKNOWN %0d", unknown);
    $finish;
  end

  initial begin
    repeat (LIMIT) @(negedge aclk);
    $display("UNKNOWN %0d", unknown);
    $display("TIMEOUT in step %0d, beat %0d, vector %0d", step, beat, vectors);
    $finish;
  end
endmodule
