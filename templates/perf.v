`default_nettype none
// Performance counters, ${ bits }$ bits each, cleared by reset or on request.
module ${ name }$_perf #(
    parameter LAYERS = 2  // layers
) (
    input  wire              clk,
    input  wire              rst_n,
    input  wire              clear,        // all counters to zero
    input  wire [3:0]        phase,        // running phase
    input  wire              array_busy,   // at least one array reads, converts or writes
    input  wire              sample_end,   // a sample is finished
    input  wire [LAYERS-1:0] slot_start,   // a write slot starts
    input  wire [LAYERS-1:0] slot_skipped, // a stored pair gave no pulse
<%- for event in memory %>
    input  wire              ${ event }$,
<%- endfor %>
<%- for counter in counters %>
    output wire [${ bits - 1 }$:0]       ${ counter.name }$<% if !loop.last %>,<% endif %>
<%- endfor %>
);
  localparam ADD_BITS = $clog2(LAYERS + 1) + 1;
  // Slots are counted a cycle later: whether one starts or is passed over is known late in its cycle.
  reg [ADD_BITS-1:0] slots_d, skipped_d;
  reg [ADD_BITS-1:0] slots_add, skipped_add;
  integer l;
  always @* begin
    slots_d   = {ADD_BITS{1'b0}};
    skipped_d = {ADD_BITS{1'b0}};
    for (l = 0; l < LAYERS; l = l + 1) begin
      slots_d   = slots_d + {{(ADD_BITS - 1) {1'b0}}, slot_start[l]};
      skipped_d = skipped_d + {{(ADD_BITS - 1) {1'b0}}, slot_skipped[l]};
    end
  end
  always @(posedge clk) begin
    slots_add   <= (!rst_n || clear) ? {ADD_BITS{1'b0}} : slots_d;
    skipped_add <= (!rst_n || clear) ? {ADD_BITS{1'b0}} : skipped_d;
  end
<%- for counter in counters %>

  reg [${ bits - 1 }$:0] ${ counter.name }$_q;
<%- endfor %>

  always @(posedge clk) begin
    if (!rst_n || clear) begin
<%- for counter in counters %>
      ${ counter.name }$_q <= ${ bits }$'d0;
<%- endfor %>
    end else begin
<%- for counter in counters %>
      if (${ counter.when }$) ${ counter.name }$_q <= ${ counter.name }$_q + ${ counter.add }$;
<%- endfor %>
    end
  end
<%- for counter in counters %>

  assign ${ counter.name }$ = ${ counter.name }$_q;
<%- endfor %>
endmodule
`default_nettype wire
