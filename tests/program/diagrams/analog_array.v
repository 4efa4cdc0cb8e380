`default_nettype none
// Test stand-in for an analog array with `ideal` cells behind array_wrapper: moves states by the pulses that it sees, and
// stops the simulation when its strobes come too early, too short or in the wrong mode.
//
// The module takes the place of the design's emulated array: its name, parameters and host port are those of that module.
// The sums are 32-bit integers; pins are cut from and widened to them throughout.
/* verilator lint_off WIDTH */
module macro_demo_array_emulated #(
    parameter ROWS = 5, COLS = 3, DAC_BITS = 5, ADC_BITS = 6, MAG_BITS = 4, STATE_BITS = 12, ADCS = 2, WORDS = 2,
    parameter ROW_BITS = 3, COL_BITS = 2, WORD_BITS = 1, ADDR_BITS = 4, GROUP_BITS = 1, SUM_BITS = 30,
    parameter FWD_SHIFT = 8, BACK_SHIFT = 8, WRITE_SHIFT = 4
) (
    input  wire                       clk,
    input  wire                       rst_n,
    input  wire                       op_valid,
    input  wire [1:0]                 op_kind,
    input  wire                       op_last,
    output wire                       op_ready,
    input  wire [ROWS*DAC_BITS-1:0]   row_code,
    input  wire [COLS*MAG_BITS-1:0]   col_mag,
    input  wire [COLS-1:0]            col_neg,
    input  wire [COLS-1:0]            col_on,
    input  wire [GROUP_BITS-1:0]      adc_group,
    input  wire                       adc_ready,
    output wire                       adc_valid,
    output wire [ADCS*ADC_BITS-1:0]   adc_code,
    input  wire                       host_valid,
    input  wire                       host_write,
    input  wire [ROW_BITS-1:0]        host_row,
    input  wire [COL_BITS-1:0]        host_col,
    input  wire [STATE_BITS-1:0]      host_wdata,
    output reg                        host_ready,
    output reg  [STATE_BITS-1:0]      host_rdata
);
  // Latencies of this array, and cycles of a pulse unit in the example.
  localparam READ_SETTLE = 3;
  localparam CONVERT     = 2;
  localparam WRITE_SETUP = 2;
  localparam WRITE_HOLD  = 1;
  localparam UNIT        = 2;

  wire                     ana_forward, ana_back, ana_write, ana_convert;
  wire [ROWS*DAC_BITS-1:0] ana_row;
  wire [COLS*MAG_BITS-1:0] ana_mag;
  wire [COLS-1:0]          ana_neg, ana_pulse;
  wire [GROUP_BITS-1:0]    ana_group;
  reg  [ADCS*ADC_BITS-1:0] ana_code;

  array_wrapper #(
      .ROWS(ROWS), .COLS(COLS), .DAC_BITS(DAC_BITS), .MAG_BITS(MAG_BITS), .ADC_BITS(ADC_BITS), .ADCS(ADCS),
      .GROUP_BITS(GROUP_BITS), .READ_SETTLE(READ_SETTLE), .CONVERT(CONVERT), .WRITE_SETUP(WRITE_SETUP),
      .WRITE_HOLD(WRITE_HOLD)
  ) u_wrapper (
      .clk(clk), .op_valid(op_valid), .op_kind(op_kind), .op_last(op_last), .op_ready(op_ready), .row_code(row_code),
      .col_mag(col_mag), .col_neg(col_neg), .col_on(col_on), .adc_group(adc_group), .adc_ready(adc_ready),
      .adc_valid(adc_valid), .adc_code(adc_code), .ana_forward(ana_forward), .ana_back(ana_back), .ana_write(ana_write),
      .ana_row(ana_row), .ana_mag(ana_mag), .ana_neg(ana_neg), .ana_pulse(ana_pulse), .ana_group(ana_group),
      .ana_convert(ana_convert), .ana_code(ana_code)
  );

  reg signed [STATE_BITS-1:0] cells[0:ROWS*COLS-1];
  localparam integer STATE_MAX = (1 << (STATE_BITS - 1)) - 1;
  localparam integer CODE_MAX  = (1 << (ADC_BITS - 1)) - 1;

  // Signed value of a row code, of a column code and of a cell.
  function integer row_value(input integer m);
    row_value = $signed(ana_row[m*DAC_BITS+:DAC_BITS]);
  endfunction
  function integer col_value(input integer c);
    col_value = ana_neg[c] ? -$signed({1'b0, ana_mag[c*MAG_BITS+:MAG_BITS]}) : $signed({1'b0, ana_mag[c*MAG_BITS+:MAG_BITS]});
  endfunction
  function integer rounded(input integer value, input integer shift);
    rounded = (shift == 0) ? value : (value + (1 << (shift - 1))) >>> shift;
  endfunction
  function integer limited(input integer value, input integer most);
    limited = (value > most) ? most : (value < -most) ? -most : value;
  endfunction

  // --- How long lines and mode have stood still, and whether they do while a pulse runs ------------------------------------
  reg  [ROWS*DAC_BITS-1:0] row_q;
  reg  [COLS*MAG_BITS-1:0] mag_q;
  reg  [COLS-1:0]          neg_q, pulse_q;
  reg                      convert_q;
  reg  [2:0]               mode_q;
  integer                  still_q, low_q, convert_len_q;
  wire [2:0] mode    = {ana_forward, ana_back, ana_write};
  wire       rows_eq = ana_back || (ana_row == row_q);
  wire       cols_eq = ana_forward || ((ana_mag == mag_q) && (ana_neg == neg_q));
  integer    still;
  // Nothing is judged before the first reset: registers wake up with any value.
  reg        armed_q;
  wire       judged = rst_n && armed_q;
  initial armed_q = 1'b0;

  integer m, c, k, line, sum;
  integer width_q[0:COLS-1];
  always @(posedge clk) begin
    if (!rst_n) armed_q <= 1'b1;
    row_q     <= ana_row;
    mag_q     <= ana_mag;
    neg_q     <= ana_neg;
    pulse_q   <= ana_pulse;
    convert_q <= ana_convert;
    mode_q    <= mode;
    // Cycles before this one in which mode and lines were what they are now.
    still = (mode == mode_q && rows_eq && cols_eq) ? still_q + 1 : 0;
    still_q <= rst_n ? still : 0;
    low_q   <= (|ana_pulse) ? 0 : rst_n ? low_q + 1 : WRITE_HOLD;
    convert_len_q <= ana_convert ? convert_len_q + 1 : 0;

    if (judged && ana_convert && !convert_q && still < READ_SETTLE) begin
      $display("conversion %0d cycles after the lines changed", still);
      $stop;
    end
    if (judged && convert_q && !ana_convert && op_valid && convert_len_q != CONVERT) begin
      $display("conversion of %0d cycles", convert_len_q);
      $stop;
    end
    if (judged && ana_convert && !(ana_forward ^ ana_back)) begin
      $display("conversion in no read mode");
      $stop;
    end
    if (judged && |(ana_pulse & ~pulse_q) && (!ana_write || still < WRITE_SETUP - 1)) begin
      $display("pulse %0d cycles after the lines changed, mode %b", still, mode);
      $stop;
    end
    if (judged && op_valid && low_q < WRITE_HOLD && still == 0) begin
      $display("the lines change %0d cycles after a pulse", low_q);
      $stop;
    end

    // A code is a function of the lines in the last cycle of its conversion.
    if (ana_convert) begin
      for (k = 0; k < ADCS; k = k + 1) begin
        line = ana_group * ADCS + k;
        sum  = 0;
        if (ana_forward && line < COLS) for (m = 0; m < ROWS; m = m + 1) sum = sum + row_value(m) * cells[m*COLS+line];
        if (ana_back && line < ROWS) for (c = 0; c < COLS; c = c + 1) sum = sum + col_value(c) * cells[line*COLS+c];
        sum = limited(rounded(sum, ana_back ? BACK_SHIFT : FWD_SHIFT), CODE_MAX);
        // Beyond the last line something that must not matter.
        ana_code[k*ADC_BITS+:ADC_BITS] <= ((ana_forward && line >= COLS) || line >= ROWS - 1) ? {ADC_BITS{1'b1}} : sum[ADC_BITS-1:0];
      end
    end

    // The cells of a column move when its pulse has ended, by what it lasted.
    for (c = 0; c < COLS; c = c + 1) begin
      if (ana_pulse[c]) begin
        width_q[c] <= pulse_q[c] ? width_q[c] + 1 : 1;
      end else if (judged && op_valid && pulse_q[c]) begin
        if (width_q[c] % UNIT != 0) begin
          $display("pulse of %0d cycles", width_q[c]);
          $stop;
        end
        for (m = 0; m < ROWS; m = m + 1) begin
          sum = $signed(row_q[m*DAC_BITS+:DAC_BITS]) * (neg_q[c] ? -(width_q[c] / UNIT) : width_q[c] / UNIT);
          cells[m*COLS+c] <= limited(cells[m*COLS+c] + rounded(sum, WRITE_SHIFT), STATE_MAX);
        end
      end
    end

    host_ready <= host_valid && !host_ready;
    host_rdata <= cells[host_row*COLS+host_col];
    if (host_valid && host_write && !host_ready) cells[host_row*COLS+host_col] <= host_wdata;
  end
endmodule
/* verilator lint_on WIDTH */
`default_nettype wire
