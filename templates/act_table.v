`default_nettype none
// Activation and slope of ${ function }$: one entry per ADC code of ${ adc_bits }$ bits (full scale ${ read_range }$), LANES look-ups at a time.
// Activation: two's complement, full scale ${ output_range }$. Slope: 0 to ${ full_slope }$, the largest meaning a slope of ${ slope_range }$.
// Latency: one cycle from `en`.
module ${ module }$ #(
    parameter LANES = 8  // words per beat
) (
    input  wire                    clk,
    input  wire                    en,          // look up
    input  wire [LANES*${ adc_bits }$-1:0]      code,        // ADC codes, lowest word first
    output reg  [LANES*${ dac_bits }$-1:0]      activation,  // f(r) of each
    output reg  [LANES*${ dac_bits }$-1:0]      slope        // f'(r) of each
);
  // {slope, activation}
  reg [${ 2 * dac_bits - 1 }$:0] rom[0:${ entries.len() - 1 }$];

  initial begin
<%- for entry in entries %>
    rom[${ loop.index0 }$] = ${ 2 * dac_bits }$'h${ entry }$;
<%- endfor %>
  end

  integer k;
  always @(posedge clk) begin
    if (en) begin
      for (k = 0; k < LANES; k = k + 1) begin
        {slope[k*${ dac_bits }$+:${ dac_bits }$], activation[k*${ dac_bits }$+:${ dac_bits }$]} <= rom[code[k*${ adc_bits }$+:${ adc_bits }$]];
      end
    end
  end
endmodule
`default_nettype wire
