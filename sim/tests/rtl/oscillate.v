// A combinational loop that never settles while `on` is high.
/* verilator lint_off UNOPTFLAT */
module oscillate (
  input  wire on,
  output wire out
);
  wire loop;
  assign loop = on & ~out;
  assign out  = loop;
endmodule
