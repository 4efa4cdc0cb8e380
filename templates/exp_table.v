`default_nettype none
// exp(-d): one entry for each distance d of an ADC code of ${ adc_bits }$ bits (full scale ${ read_range }$) below another, LANES look-ups at a time.
// Entries: 0 to ${ one }$, the largest meaning 1. Latency: one cycle from `en`.
module ${ name }$_exp_table #(
    parameter LANES = 8  // words per beat
) (
    input  wire                    clk,
    input  wire                    en,          // look up
    input  wire [LANES*${ adc_bits }$-1:0]      distance,    // unsigned, lowest word first
    output reg  [LANES*${ exp_bits }$-1:0]      exponential  // exp(-d) of each
);
  reg [${ exp_bits - 1 }$:0] rom[0:${ entries.len() - 1 }$];

  initial begin
<%- for entry in entries %>
    rom[${ loop.index0 }$] = ${ exp_bits }$'h${ entry }$;
<%- endfor %>
  end

  integer k;
  always @(posedge clk) begin
    if (en) begin
      for (k = 0; k < LANES; k = k + 1) begin
        exponential[k*${ exp_bits }$+:${ exp_bits }$] <= rom[distance[k*${ adc_bits }$+:${ adc_bits }$]];
      end
    end
  end
endmodule
`default_nettype wire
