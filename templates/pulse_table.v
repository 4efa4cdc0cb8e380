`default_nettype none
// Pulse widths of magnetic junctions. A code is the weight change that a full-scale row shall make, in steps of 2^-${ pulse_bits }$ of
// the layer's largest; the width is that of the pulse after which a junction has switched with the probability that stands for
// this change.
<%- for table in tables %>
// TABLE ${ loop.index0 }$ (${ table.layers }$): probabilities ${ table.shown }$.
<%- endfor %>
// Combinational.
module ${ name }$_pulse_table #(
    parameter TABLE = 0
) (
    input  wire [${ pulse_bits - 1 }$:0] code,
    output reg  [${ pulse_bits - 1 }$:0] width  // of the pulse, in units of the shortest
);
  generate
<%- for table in tables %>
    if (TABLE == ${ loop.index0 }$) begin : gen_${ loop.index0 }$
      always @* begin
        case (code)
<%- for width in table.widths %>
          ${ pulse_bits }$'d${ loop.index0 }$: width = ${ pulse_bits }$'d${ width }$;
<%- endfor %>
        endcase
      end
    end
<%- endfor %>
  endgenerate
endmodule
`default_nettype wire
