`default_nettype none
// Activation and slope of ${ function }$: one entry per ADC code of ${ adc_bits }$ bits (full scale ${ read_range }$).
// Low word: activation code, two's complement, full scale ${ output_range }$. High word: slope code, 0 to ${ full_slope }$, the
// largest meaning a slope of ${ slope_range }$.
// Latency: `data` is valid one cycle after `en`.
module ${ module }$ (
    input  wire                       clk,
    input  wire                       en,    // read
    input  wire [${ adc_bits - 1 }$:0]               code,  // ADC code
    output reg  [${ 2 * dac_bits - 1 }$:0]              data   // {slope, activation}
);
  reg [${ 2 * dac_bits - 1 }$:0] rom[0:${ entries.len() - 1 }$];

  initial begin
<%- for entry in entries %>
    rom[${ loop.index0 }$] = ${ 2 * dac_bits }$'h${ entry }$;
<%- endfor %>
  end

  always @(posedge clk) if (en) data <= rom[code];
endmodule
`default_nettype wire
