use crate::phases::Counter;
use crate::spec::*;
pub struct RegMap;
impl RegMap {
    pub fn for_design(_: &Design) -> RegMap {
        RegMap
    }
    pub fn addr(&self, n: &str) -> Option<u32> {
        Some(match n {
            "CTRL" => 0x10,
            "COMMAND" => 0x14,
            "STATUS" => 0x18,
            "LEARNING_RATE" => 0x1c,
            "MOMENTUM" => 0x20,
            "HISTORY" => 0x24,
            "WEIGHT_LAYER" => 0x28,
            "WEIGHT_ROW" => 0x2c,
            "WEIGHT_COL" => 0x30,
            "WEIGHT_DATA" => 0x34,
            _ => return None,
        })
    }
    pub fn csr(&self, d: &Design) -> Result<String, askama::Error> {
        let h = d.training.momentum_unit == MomentumUnit::History;
        let em = d.array.backend == Backend::Emulated;
        let b = crate::rtl::bits_for;
        let hb = b(d.training.history);
        let lb = b(d.layers.len() - 1);
        let rb = b(d.layers.iter().map(|l| l.rows() - 1).max().unwrap());
        let cb = b(d.layers.iter().map(|l| l.outputs - 1).max().unwrap());
        let sb = d.device.state_bits;
        let cols: Vec<String> = d
            .layers
            .iter()
            .enumerate()
            .map(|(i, l)| format!("if (weight_layer=={lb}'d{i}) maxcol={};", l.outputs - 1))
            .collect();
        let cnt: String = Counter::ALL.iter().map(|c| format!("input wire [63:0] count_{},\n", c.name())).collect();
        Ok(format!("module {}_csr(input wire aclk,input wire aresetn,
 input wire [11:0] s_axil_awaddr,input wire [2:0] s_axil_awprot,input wire s_axil_awvalid,output wire s_axil_awready,input wire [31:0] s_axil_wdata,input wire [3:0] s_axil_wstrb,input wire s_axil_wvalid,output wire s_axil_wready,output wire [1:0] s_axil_bresp,output reg s_axil_bvalid,input wire s_axil_bready,input wire [11:0] s_axil_araddr,input wire [2:0] s_axil_arprot,input wire s_axil_arvalid,output wire s_axil_arready,output reg [31:0] s_axil_rdata,output wire [1:0] s_axil_rresp,output reg s_axil_rvalid,input wire s_axil_rready,
 {cnt} output reg run,output reg train,output reg emit,output reg soft_reset,output reg clear_history,output reg clear_counters,output reg [15:0] learning_rate,
 {} {} input wire busy,input wire [3:0] phase,input wire short_packet,input wire long_packet);
 reg wbusy; reg rbusy;
 {}
 assign s_axil_bresp=0; assign s_axil_rresp=0;
 wire weightw = {}; wire weightr={};
 wire dow = s_axil_awvalid && s_axil_wvalid && !s_axil_bvalid && !rbusy && (s_axil_awaddr!=12'h34 || (weightw));
 assign s_axil_awready=dow; assign s_axil_wready=dow;
 wire dor = s_axil_arvalid && !s_axil_rvalid && (s_axil_araddr!=12'h34 || weightr);
 assign s_axil_arready=dor;
 always @(posedge aclk) if(!aresetn) begin run<=0;train<=0;emit<=0;soft_reset<=0;clear_history<=0;clear_counters<=0;learning_rate<={};{} s_axil_bvalid<=0;s_axil_rvalid<=0; wbusy<=0;rbusy<=0; end else begin
  soft_reset<=0;clear_history<=0;clear_counters<=0;
  if(s_axil_bready) s_axil_bvalid<=0; if(s_axil_rready) s_axil_rvalid<=0;
  if(dow) begin s_axil_bvalid<=1; case(s_axil_awaddr) 12'h10: {{emit,train,run}}<=s_axil_wdata[2:0]; 12'h14: {{clear_counters,clear_history,soft_reset}}<=s_axil_wdata[2:0]; 12'h1c: learning_rate<=s_axil_wdata[15:0]; {} default:; endcase end
  if(dor) begin s_axil_rvalid<=1; case(s_axil_araddr) 12'h18: s_axil_rdata<={{24'd0,phase,3'd0,busy}}; {} default: s_axil_rdata<=0; endcase end
  {}
 end
endmodule",d.name,
  if h{format!("output reg [15:0] momentum,output reg [{}:0] history,",hb-1)}else{String::new()},
  if em{format!("output wire weight_valid,output wire weight_write,output reg [{}:0] weight_layer,output reg [{}:0] weight_row,output reg [{}:0] weight_col,output wire [{}:0] weight_wdata,input wire weight_ready,input wire [{}:0] weight_rdata,",lb-1,rb-1,cb-1,sb-1,sb-1)}else{String::new()},
  if em{format!("integer maxcol; always @* begin maxcol=0; {} end wire ww=s_axil_awvalid&&s_axil_wvalid&&!s_axil_bvalid&&s_axil_awaddr==12'h34; wire rr=s_axil_arvalid&&!s_axil_rvalid&&s_axil_araddr==12'h34; assign weight_valid=ww||rr; assign weight_write=ww; assign weight_wdata=s_axil_wdata[{}:0];",cols.join(" "),sb-1)}else{String::new()},
  if em{"weight_ready"}else{"1'b1"},if em{"weight_ready"}else{"1'b1"},
  d.learning_rate_code(),if h{format!("momentum<={};history<={};",d.momentum_code(),d.training.history)}else{String::new()},
  if em{format!("12'h28: weight_layer<=s_axil_wdata[{}:0]; 12'h2c: weight_row<=s_axil_wdata[{}:0];12'h30: weight_col<=s_axil_wdata[{}:0];",lb-1,rb-1,cb-1)}else{String::new()},
  if em{if sb<32{format!("12'h34: s_axil_rdata<={{{{{}{{weight_rdata[{}]}}}},weight_rdata}};",32-sb,sb-1)}else{"12'h34: s_axil_rdata<=weight_rdata;".into()}}else{String::new()},
  if em{format!("if((dow&&s_axil_awaddr==12'h34)||(dor&&s_axil_araddr==12'h34)) begin if({{{{{}{{1'b0}}}},weight_col}}==maxcol) begin weight_col<=0; weight_row<=weight_row+1; end else weight_col<=weight_col+1; end",32-cb)}else{String::new()}))
    }
}
