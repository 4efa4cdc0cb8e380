`default_nettype none
// ${ name }$ on a board (${ board }$): clock, reset and serial port around ${ name }$_link.
module ${ name }$_board (
  input  wire clk_pin,  // oscillator, ${ oscillator }$ MHz
<%- if let Some(low) = reset %>
  input  wire reset_pin,  // button, <% if low %>low<% else %>high<% endif %> while pressed
<%- endif %>
  input  wire uart_rx,  // serial port, ${ baud }$ bit/s, to the FPGA
  output wire uart_tx   // and from it
);
  // --- Clock: ${ clock }$ MHz ---------------------------------------------------------------------------------------------------
<%- if let Some(p) = pll %>
  wire clk;
  wire locked;
<%- if p.family == "ice40" %>
  <% if p.pad %>SB_PLL40_PAD<% else %>SB_PLL40_CORE<% endif %> #(
      .FEEDBACK_PATH("SIMPLE"),
      .DIVR         (4'd${ p.pll.reference - 1 }$),
      .DIVF         (7'd${ p.pll.feedback - 1 }$),
      .DIVQ         (3'd${ p.pll.output }$),
      .FILTER_RANGE (3'd${ p.pll.filter_range() }$)
  ) u_pll (
<%- if p.pad %>
      .PACKAGEPIN   (clk_pin),
<%- else %>
      .REFERENCECLK (clk_pin),
<%- endif %>
      .PLLOUTGLOBAL (clk),
      .LOCK         (locked),
      .BYPASS       (1'b0),
      .RESETB       (1'b1)
  );
<%- else if p.family == "ecp5" %>
  (* FREQUENCY_PIN_CLKI="${ oscillator }$", FREQUENCY_PIN_CLKOP="${ clock }$", ICP_CURRENT="12", LPF_RESISTOR="8" *)
  EHXPLLL #(
      .CLKI_DIV     (${ p.pll.reference }$),
      .CLKFB_DIV    (${ p.pll.feedback }$),
      .CLKOP_DIV    (${ p.pll.output }$),
      .CLKOP_CPHASE (${ p.pll.output / 2 }$),
      .CLKOP_FPHASE (0),
      .CLKOP_ENABLE ("ENABLED"),
      .FEEDBK_PATH  ("CLKOP")
  ) u_pll (
      .CLKI        (clk_pin),
      .CLKFB       (clk),
      .CLKOP       (clk),
      .LOCK        (locked),
      .RST         (1'b0),
      .STDBY       (1'b0),
      .PHASESEL0   (1'b0),
      .PHASESEL1   (1'b0),
      .PHASEDIR    (1'b0),
      .PHASESTEP   (1'b0),
      .PHASELOADREG(1'b0),
      .PLLWAKESYNC (1'b0),
      .ENCLKOP     (1'b0)
  );
<%- else %>
  wire feedback;
  wire clk_pll;
  PLLE2_BASE #(
      .CLKIN1_PERIOD (${ p.period }$),
      .DIVCLK_DIVIDE (${ p.pll.reference }$),
      .CLKFBOUT_MULT (${ p.pll.feedback }$),
      .CLKOUT0_DIVIDE(${ p.pll.output }$)
  ) u_pll (
      .CLKIN1  (clk_pin),
      .CLKFBIN (feedback),
      .CLKFBOUT(feedback),
      .CLKOUT0 (clk_pll),
      .LOCKED  (locked),
      .PWRDWN  (1'b0),
      .RST     (1'b0)
  );
  BUFG u_bufg (.I(clk_pll), .O(clk));
<%- endif %>
<%- else %>
  wire clk = clk_pin;
<%- endif %>

  // --- Reset: for 256 cycles after configuration<% if pll.is_some() %>, lock of the PLL<% endif %><% if reset.is_some() %> and release of the button<% endif %> ---------------------
  // Block RAMs of some devices cannot be read in the first microseconds after configuration.
  reg [8:0] hold_q = 9'd0;
<%- if pll.is_some() || reset.is_some() %>
  reg [1:0] ready_q = 2'd0;
  always @(posedge clk) ready_q <= {ready_q[0], <% if pll.is_some() %>locked<% if reset.is_some() %> && <% endif %><% endif %><% if let Some(low) = reset %><% if !low %>!<% endif %>reset_pin<% endif %>};
  always @(posedge clk) begin
    if (!ready_q[1]) hold_q <= 9'd0;
    else if (!hold_q[8]) hold_q <= hold_q + 9'd1;
  end
<%- else %>
  always @(posedge clk) if (!hold_q[8]) hold_q <= hold_q + 9'd1;
<%- endif %>

  ${ name }$_link #(
      .BIT_CYCLES(${ bit_cycles }$)
  ) u_link (
      .clk    (clk),
      .rst_n  (hold_q[8]),
      .uart_rx(uart_rx),
      .uart_tx(uart_tx)
  );
endmodule
`default_nettype wire
