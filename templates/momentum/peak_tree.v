
  // --- Peak: largest |y| of the current sample, by a tree of comparisons with a register per level -----------------------------------------
  // It begins a cycle after y has come, so that no path has both a complement and a comparison.
  reg                   y_first_q;  // the first beat is kept
  wire                  root_valid;
  wire                  root_first;
  wire [MAGNITUDE-1:0]  root;       // largest |y| of a beat
  wire                  y_done;     // the root has the last beat in the next cycle
<%- if single %>
  wire                  y_below;    // the last beat is in the tree
<%- endif %>
  function [MAGNITUDE-1:0] larger_of;
    input [MAGNITUDE-1:0] a;
    input [MAGNITUDE-1:0] b;
    larger_of = (a > b) ? a : b;
  endfunction

  always @(posedge clk) y_first_q <= y_beat == {Y_BEAT_BITS{1'b0}};
  generate
    if (LANES == 1) begin : gen_no_tree
      assign root_valid = y_kept_valid_q;
      assign root_first = y_first_q;
      assign root       = y_kept_q[MAGNITUDE-1:0];
      assign y_done     = y_valid && y_last;
<%- if single %>
      assign y_below    = 1'b0;
<%- endif %>
    end else begin : gen_tree
      // Node i is the larger of nodes 2i and 2i + 1; nodes from LANES on are the magnitudes.
      localparam LEVELS = $clog2(LANES);
      reg  [(LANES-1)*MAGNITUDE-1:0] node_q;  // from node 1 on
      reg  [LEVELS-1:0]              valid_q;
      reg  [LEVELS-1:0]              first_q;
      reg  [LEVELS-1:0]              done_q;
      wire [2*LANES*MAGNITUDE-1:0]   nodes;
      genvar l;
      for (l = 0; l < LANES; l = l + 1) begin : gen_leaf
        assign nodes[(LANES+l)*MAGNITUDE+:MAGNITUDE] = y_kept_q[l*ERROR_BITS+:MAGNITUDE];
      end
      assign nodes[LANES*MAGNITUDE-1:0] = {node_q, {MAGNITUDE{1'b0}}};

      integer p;
      always @(posedge clk) begin
        for (p = 1; p < LANES; p = p + 1) begin
          node_q[(p-1)*MAGNITUDE+:MAGNITUDE] <= larger_of(nodes[2*p*MAGNITUDE+:MAGNITUDE], nodes[(2*p+1)*MAGNITUDE+:MAGNITUDE]);
        end
      end
      wire [LEVELS:0] valid_d = {valid_q, y_kept_valid_q};
      wire [LEVELS:0] first_d = {first_q, y_first_q};
      wire [LEVELS:0] done_d  = {done_q, y_valid && y_last};
      always @(posedge clk) begin
        valid_q <= valid_d[LEVELS-1:0];
        first_q <= first_d[LEVELS-1:0];
        if (!rst_n) done_q <= {LEVELS{1'b0}};
        else done_q <= done_d[LEVELS-1:0];
      end
      assign root_valid = valid_q[LEVELS-1];
      assign root_first = first_q[LEVELS-1];
      assign root       = node_q[MAGNITUDE-1:0];
      assign y_done     = done_q[LEVELS-1];
<%- if single %>
      assign y_below    = |done_q;
<%- endif %>
      wire unused_tree = &{1'b0, valid_d[LEVELS], first_d[LEVELS], done_d[LEVELS], nodes[MAGNITUDE-1:0]};
    end
  endgenerate

  reg  [MAGNITUDE-1:0] peak_q;
  wire [MAGNITUDE-1:0] peak_d = !root_valid ? peak_q : larger_of(root, root_first ? {MAGNITUDE{1'b0}} : peak_q);
  always @(posedge clk) peak_q <= peak_d;
