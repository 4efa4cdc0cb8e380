// Control and status registers behind an AXI4-Lite slave, 32 bits, byte addresses of 12 bits.
//
// Unknown and unaligned addresses, writes to read-only registers, values out of range, and changes of settings while the
// machine is busy answer SLVERR and change nothing. Bytes without strobe keep their value.
// A write is checked in the cycle after both its address and its data have been taken, and done as a whole at the end of the
// next one. Latency: two cycles from taking to the answer. Throughput: a read and a write every two cycles.
<%- if let Some(w) = weights %>
// Accesses to WEIGHT_DATA wait for the array; other accesses wait until they are done.
<%- endif %>
// All outputs are registers or the inverse of one: no output depends on an input within the cycle.

`default_nettype none

module ${ name }$_csr (
  input  wire        aclk,            // rising edge
  input  wire        aresetn,         // synchronous, active low

  // AXI4-Lite
  input  wire [11:0] s_axil_awaddr,   // byte address, with awvalid
  input  wire [2:0]  s_axil_awprot,   // ignored
  input  wire        s_axil_awvalid,  // a write address is offered
  output wire        s_axil_awready,  // it is taken at this edge
  input  wire [31:0] s_axil_wdata,    // with wvalid
  input  wire [3:0]  s_axil_wstrb,    // bytes of wdata to write
  input  wire        s_axil_wvalid,   // write data are offered
  output wire        s_axil_wready,   // they are taken at this edge
  output wire [1:0]  s_axil_bresp,    // OKAY or SLVERR, with bvalid
  output wire        s_axil_bvalid,   // the write was done or refused
  input  wire        s_axil_bready,   // the answer is taken at this edge
  input  wire [11:0] s_axil_araddr,   // byte address, with arvalid
  input  wire [2:0]  s_axil_arprot,   // ignored
  input  wire        s_axil_arvalid,  // a read address is offered
  output wire        s_axil_arready,  // it is taken at this edge
  output wire [31:0] s_axil_rdata,    // with rvalid; 0 with SLVERR
  output wire [1:0]  s_axil_rresp,    // OKAY or SLVERR, with rvalid
  output wire        s_axil_rvalid,   // the register was read
  input  wire        s_axil_rready,   // the answer is taken at this edge

  // Settings and requests to the core
<%- for f in settings %>
  output wire ${ f.bits }$ ${ f.port }$// ${ f.doc }$
<%- endfor %>
<%- for f in pulses %>
  output reg         ${ f.port }$// pulse: ${ f.doc }$
<%- endfor %>
<%- if let Some(w) = weights %>

  // One cell's state at a time, for host access
  output wire        weight_valid,    // an access waits; it stays until weight_ready
  output wire        weight_write,    // it is a write
  output wire ${ w.layer_bits }$ weight_layer,    // address of the cell, in range, with weight_valid
  output wire ${ w.row_bits }$ weight_row,
  output wire ${ w.col_bits }$ weight_col,
  output wire ${ w.data_bits }$ weight_wdata,    // new state
  input  wire        weight_ready,    // the access is done at this edge; has to come even if the machine turns busy
  input  wire ${ w.data_bits }$ weight_rdata,    // state, with weight_ready
<%- endif %>

  // State of the core
<%- for counter in counters %>
  input  wire [${ counter_bits - 1 }$:0] ${ counter.port }$// ${ counter.doc }$
<%- endfor %>
<%- for f in flags %>
  input  wire        ${ f.port }$// pulse: ${ f.doc }$
<%- endfor %>
<%- for f in inputs %>
  input  wire ${ f.bits }$ ${ f.name }$<% if !loop.last %>,<% endif %>  // ${ f.doc }$
<%- endfor %>
);
<% for r in addresses %>
  localparam [11:0] ${ r.name }$ = ${ r.value }$;
<%- endfor %>

  localparam [1:0] RESP_OKAY   = 2'b00;
  localparam [1:0] RESP_SLVERR = 2'b10;

  // Bus: each channel keeps one transfer until it is used. What of an address or of data no register has is compared here, once.

  reg         aw_full_q, w_full_q, ar_full_q;
  reg         aw_known_q, ar_known_q;  // the rest of the address is that of the registers
  reg  ${ address.bits }$ aw_addr_q, ar_addr_q;
  reg  ${ data.bits }$ wr_data_q;   // 0 in bytes without strobe
  reg  [3:0]  wr_strb_q;
<%- if data.above != "" %>
  reg         wr_above_q;  // not 0 in the bits above
<%- if let Some(w) = weights %>
  reg         wr_ones_q;   // all 1 there
<%- endif %>
<%- endif %>
  reg         wr_exec_q;   // the write is done or refused in this cycle
  reg         bvalid_q, rvalid_q;
  reg  [1:0]  bresp_q, rresp_q;
  reg  [31:0] rdata_q;

  wire [11:0] wr_addr = ${ address.whole_write }$;
  wire [11:0] rd_addr = ${ address.whole_read }$;

  wire        b_free  = !bvalid_q || s_axil_bready;
  wire        r_free  = !rvalid_q || s_axil_rready;
<%- if let Some(w) = weights %>

  // The weight address must not move under an access: one at a time, the write first.
  reg         weight_valid_q, weight_write_q;
  wire        rd_weight = ar_known_q && rd_addr == ADDR_WEIGHT_DATA;
  wire        wr_start  = aw_full_q && w_full_q && b_free && !weight_valid_q;
  wire        rd_exec   = ar_full_q && r_free && !weight_valid_q && !(rd_weight && (wr_start || wr_exec_q));
<%- else %>

  wire        wr_start = aw_full_q && w_full_q && b_free;
  wire        rd_exec  = ar_full_q && r_free;
<%- endif %>

  reg         rd_ok;
  reg  [31:0] rd_value;

  assign s_axil_awready = !aw_full_q;
  assign s_axil_wready  = !w_full_q;
  assign s_axil_arready = !ar_full_q;
  assign s_axil_bvalid  = bvalid_q;
  assign s_axil_bresp   = bresp_q;
  assign s_axil_rvalid  = rvalid_q;
  assign s_axil_rdata   = rdata_q;
  assign s_axil_rresp   = rresp_q;

  always @(posedge aclk) begin
    if (!aresetn) begin
      aw_full_q <= 1'b0;
      w_full_q  <= 1'b0;
      ar_full_q <= 1'b0;
    end else begin
      aw_full_q <= aw_full_q ? !wr_start : s_axil_awvalid;
      w_full_q  <= w_full_q ? !wr_start : s_axil_wvalid;
      ar_full_q <= ar_full_q ? !rd_exec : s_axil_arvalid;
    end
  end

  wire [31:0] wr_set = s_axil_wdata & {{8{s_axil_wstrb[3]}}, {8{s_axil_wstrb[2]}}, {8{s_axil_wstrb[1]}}, {8{s_axil_wstrb[0]}}};

  always @(posedge aclk) begin
    if (!aw_full_q) begin
      aw_addr_q  <= s_axil_awaddr${ address.slice }$;
      aw_known_q <= ${ address.known_write }$;
    end
    if (!ar_full_q) begin
      ar_addr_q  <= s_axil_araddr${ address.slice }$;
      ar_known_q <= s_axil_arvalid && ${ address.known_read }$;
    end
    if (!w_full_q) begin
      wr_data_q  <= wr_set${ data.slice }$;
      wr_strb_q  <= s_axil_wstrb;
<%- if data.above != "" %>
      wr_above_q <= |wr_set${ data.above }$;
<%- if let Some(w) = weights %>
      wr_ones_q  <= &wr_set${ data.above }$;
<%- endif %>
<%- endif %>
    end
  end

  // Fields that software writes
<%- for r in writable %>
<% for f in r.fields %>
  reg  ${ f.bits }$ ${ f.name }$_q;
<%- endfor %>
<%- for m in r.merged %>
  wire ${ m.bits }$ ${ m.name }$ = ${ m.value }$;
<%- endfor %>
<%- endfor %>

  // First cycle of a write: where it goes, if the register can take the value, and if that changes nothing that may be locked
<% for r in writable %>
  reg         ${ r.to }$;
<%- endfor %>
<%- for r in writable %>
<%- if !r.same.is_empty() %>
  reg         ${ r.same_name }$;
<%- endif %>
<%- endfor %>

  always @(posedge aclk) wr_exec_q <= aresetn && wr_start;

  always @(posedge aclk) begin
    // All of this rests until there is a write.
    if (aw_full_q && w_full_q) begin
<%- for r in writable %>
      ${ r.to }$ <= aw_known_q && wr_addr == ${ r.address }$<% for c in r.fits %> &&
          ${ c }$<% endfor %>;
<%- endfor %>
<%- for r in writable %>
<%- if !r.same.is_empty() %>
      ${ r.same_name }$ <=
<%- for c in r.same %>
          ${ c }$<% if loop.last %>;<% else %> &&<% endif %>
<%- endfor %>
<%- endif %>
<%- endfor %>
    end
  end

  // Second cycle: is it done?
<%- if let Some(w) = weights %>

  // The cell that the weight address means
  wire ${ w.row_register_bits }$ weight_rows =
<%- for layer in w.layers %>
      <% if !loop.last %>weight_layer_q == ${ w.layer_width }$'d${ loop.index0 }$ ? <% endif %>${ w.row_width }$'d${ layer.0 }$<% if loop.last %>;<% else %> :<% endif %>
<%- endfor %>
  wire ${ w.col_bits }$ weight_last_col =
<%- for layer in w.layers %>
      <% if !loop.last %>weight_layer_q == ${ w.layer_width }$'d${ loop.index0 }$ ? <% endif %>${ w.col_width }$'d${ layer.1 }$<% if loop.last %>;<% else %> :<% endif %>
<%- endfor %>
  wire weight_ok = !busy && weight_row_q < weight_rows<% if w.check_col %> && weight_col_q <= weight_last_col<% endif %>;
<%- endif %>
<% for r in writable %>
  wire        ${ r.taken }$ = wr_exec_q && ${ r.to }$<% if r.data %> && weight_ok<% endif %><% if !r.same.is_empty() %> && (!busy || ${ r.same_name }$)<% endif %>;
<%- endfor %>

  wire        wr_ok =
<%- for r in writable %>
      ${ r.taken }$<% if loop.last %>;<% else %> ||<% endif %>
<%- endfor %>

  // Answers
<% if let Some(w) = weights %>
  wire wr_weight   = weight_data_ok;
  wire weight_done = weight_valid_q && weight_ready;
  wire wr_answer   = (wr_exec_q && !wr_weight) || (weight_done && weight_write_q);
  wire rd_answer   = (rd_exec && !(rd_weight && weight_ok)) || (weight_done && !weight_write_q);
<%- else %>

  wire wr_answer = wr_exec_q;
  wire rd_answer = rd_exec;
<%- endif %>

  always @(posedge aclk) begin
    if (!aresetn) begin
      bvalid_q <= 1'b0;
      rvalid_q <= 1'b0;
    end else begin
      bvalid_q <= wr_answer || (bvalid_q && !s_axil_bready);
      rvalid_q <= rd_answer || (rvalid_q && !s_axil_rready);
    end
  end

  always @(posedge aclk) begin
    if (wr_exec_q) bresp_q <= wr_ok ? RESP_OKAY : RESP_SLVERR;
    if (rd_exec) begin
      rresp_q <= rd_ok ? RESP_OKAY : RESP_SLVERR;
      rdata_q <= rd_value;
    end
<%- if let Some(w) = weights %>
    if (weight_done && !weight_write_q) rdata_q <= {{${ 33 - w.state_bits }${weight_rdata[${ w.state_bits - 1 }$]}}, weight_rdata[${ w.state_bits - 2 }$:0]};
<%- endif %>
  end

  // Settings take what was written under the strobes.

  wire soft_reset_d = command_ok && wr_data_q${ soft_reset }$;

  always @(posedge aclk) begin
    if (!aresetn) begin
<%- for f in settings %>
      ${ f.stored }$ <= ${ f.reset }$;
<%- endfor %>
    end else begin
<%- for r in writable %>
<%- if !r.weight && !r.data && !r.pieces.is_empty() %>
      if (${ r.taken }$) begin
<%- for p in r.pieces %>
        if (wr_strb_q[${ p.byte }$]) ${ p.field }$ <= ${ p.value }$;
<%- endfor %>
      end
<%- endif %>
<%- endfor %>
      if (soft_reset_d) run_q <= 1'b0;
    end
  end
<% for f in settings %>
  assign ${ f.driven }$ = ${ f.name }$_q;
<%- endfor %>

  always @(posedge aclk) begin
    if (!aresetn) begin
<%- for f in pulses %>
      ${ f.driven }$ <= 1'b0;
<%- endfor %>
    end else begin
<%- for f in pulses %>
      ${ f.driven }$ <= ${ f.taken }$ && wr_data_q${ f.slice }$;
<%- endfor %>
    end
  end

  // Flags: a pulse of the core wins over a write that clears. What arrives until the core has seen the soft reset, two cycles
  // after the pulse at the latest, is of the past.

  reg soft_reset_q;
  always @(posedge aclk) soft_reset_q <= soft_reset;
<% for f in flags %>
  reg ${ f.name }$_q;
<%- endfor %>

  always @(posedge aclk) begin
    if (!aresetn || soft_reset || soft_reset_q) begin
<%- for f in flags %>
      ${ f.stored }$ <= 1'b0;
<%- endfor %>
    end else begin
<%- for f in flags %>
      if (${ f.name }$) ${ f.stored }$ <= 1'b1;
      else if (${ f.taken }$ && wr_data_q${ f.slice }$) ${ f.stored }$ <= 1'b0;
<%- endfor %>
    end
  end

  // Counters: the high half is kept when the low half is read, so that both belong together
<% for counter in counters %>
  reg [${ counter_bits - 33 }$:0] ${ counter.name }$_high_q;
<%- endfor %>

  always @(posedge aclk) begin
    if (!aresetn) begin
<%- for counter in counters %>
      ${ counter.high }$ <= ${ counter_bits - 32 }$'d0;
<%- endfor %>
    end else if (rd_exec && ar_known_q) begin
<%- for counter in counters %>
      if (rd_addr == ${ counter.address }$ ${ counter.high }$ <= ${ counter.name }$[${ counter_bits - 1 }$:32];
<%- endfor %>
    end
  end

<%- if let Some(w) = weights %>

  // Weights: the address moves on when an access is done

  reg ${ w.data_bits }$ weight_wdata_q;

  always @(posedge aclk) begin
    if (!aresetn) weight_valid_q <= 1'b0;
    else          weight_valid_q <= wr_weight || (rd_exec && rd_weight && weight_ok) || (weight_valid_q && !weight_ready);
  end

  always @(posedge aclk) begin
    if (!weight_valid_q) begin
      weight_write_q <= wr_weight;
      weight_wdata_q <= wr_data_q[${ w.state_bits - 1 }$:0];
    end
  end

  always @(posedge aclk) begin
    if (!aresetn) begin
      weight_layer_q <= ${ w.layer_width }$'d0;
      weight_row_q   <= ${ w.row_width }$'d0;
      weight_col_q   <= ${ w.col_width }$'d0;
    end else begin
<%- for r in writable %>
<%- if r.weight %>
<%- for p in r.pieces %>
      if (${ r.taken }$ && wr_strb_q[${ p.byte }$]) ${ p.field }$ <= ${ p.value }$;
<%- endfor %>
<%- endif %>
<%- endfor %>
      if (weight_done) begin
        weight_col_q <= weight_col_q == weight_last_col ? ${ w.col_width }$'d0 : weight_col_q + ${ w.col_width }$'d1;
        if (weight_col_q == weight_last_col) weight_row_q <= weight_row_q + ${ w.row_width }$'d1;
      end
    end
  end

  assign weight_valid = weight_valid_q;
  assign weight_write = weight_write_q;
  assign weight_layer = weight_layer_q;
  assign weight_row   = weight_row_q${ w.row_slice }$;
  assign weight_col   = weight_col_q;
  assign weight_wdata = weight_wdata_q;
<%- endif %>

  // Reading

  always @* begin
    rd_ok    = 1'b0;
    rd_value = 32'd0;
    if (ar_known_q) begin
      rd_ok = 1'b1;
      case (rd_addr)
<%- for r in read_cases %>
        ${ r.name }$ rd_value = ${ r.value }$;
<%- endfor %>
<%- if let Some(w) = weights %>
        ADDR_WEIGHT_DATA: rd_ok = weight_ok;
<%- endif %>
        default: rd_ok = 1'b0;
      endcase
    end
  end

`ifdef FORMAL
  // Requests taken but not answered: waiting for their other half, at the weight port, or with the answer on offer.
  reg [2:0] f_aw = 3'd0, f_w = 3'd0, f_ar = 3'd0;
  reg       f_past = 1'b0;

  always @(posedge aclk) begin
    f_past <= 1'b1;
    f_aw   <= aresetn ? f_aw + {2'd0, s_axil_awvalid && s_axil_awready} - {2'd0, bvalid_q && s_axil_bready} : 3'd0;
    f_w    <= aresetn ? f_w + {2'd0, s_axil_wvalid && s_axil_wready} - {2'd0, bvalid_q && s_axil_bready} : 3'd0;
    f_ar   <= aresetn ? f_ar + {2'd0, s_axil_arvalid && s_axil_arready} - {2'd0, rvalid_q && s_axil_rready} : 3'd0;
    if (!f_past) assume (!aresetn);
    if (f_past) begin
<%- if let Some(w) = weights %>
      assert (f_aw == {2'd0, aw_full_q} + {2'd0, wr_exec_q} + {2'd0, bvalid_q} + {2'd0, weight_valid_q && weight_write_q});
      assert (f_w == {2'd0, w_full_q} + {2'd0, wr_exec_q} + {2'd0, bvalid_q} + {2'd0, weight_valid_q && weight_write_q});
      assert (f_ar == {2'd0, ar_full_q} + {2'd0, rvalid_q} + {2'd0, weight_valid_q && !weight_write_q});
      assert (!weight_valid_q || !(weight_write_q ? bvalid_q : rvalid_q));
      assert (!weight_valid_q || (weight_row_q < weight_rows && weight_col_q <= weight_last_col));
<%- else %>
      assert (f_aw == {2'd0, aw_full_q} + {2'd0, wr_exec_q} + {2'd0, bvalid_q});
      assert (f_w == {2'd0, w_full_q} + {2'd0, wr_exec_q} + {2'd0, bvalid_q});
      assert (f_ar == {2'd0, ar_full_q} + {2'd0, rvalid_q});
<%- endif %>
    end
    if (f_past && $past(aresetn)) begin
      if ($past(bvalid_q && !s_axil_bready)) assert (bvalid_q && $stable(bresp_q));
      if ($past(rvalid_q && !s_axil_rready)) assert (rvalid_q && $stable(rresp_q) && $stable(rdata_q));
<%- if let Some(w) = weights %>
      if ($past(weight_valid_q && !weight_ready))
        assert (weight_valid_q && $stable({weight_write_q, weight_layer_q, weight_row_q, weight_col_q, weight_wdata_q}));
<%- endif %>
    end
  end
`endif

  wire unused_bits = &{1'b0, s_axil_awprot, s_axil_arprot, wr_set, wr_data_q, wr_strb_q};

endmodule

`default_nettype wire

