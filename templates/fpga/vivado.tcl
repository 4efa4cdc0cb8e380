# vivado -mode batch -source ${ name }$.tcl
# The design's clock is ${ mhz }$ MHz; ends with an error when it is not met.
cd [file dirname [file normalize [info script]]]
read_verilog [list \
<%- for source in sources %>
  ${ source }$ \
<%- endfor %>
]
read_xdc ${ name }$.xdc
synth_design -top ${ name }$_board -part ${ part }$
opt_design
place_design
phys_opt_design
route_design
report_utilization -hierarchical -file ${ name }$_utilization.txt
report_timing_summary -max_paths 5 -file ${ name }$_timing.txt
write_bitstream -force ${ name }$.bit
set slack [get_property SLACK [lindex [get_timing_paths] 0]]
if {$slack < 0} { error "the clock of ${ mhz }$ MHz is not met: slack $slack ns" }
