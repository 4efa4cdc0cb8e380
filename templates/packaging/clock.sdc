# Clock and reset of ${ top }$: ${ period }$ ns, from [timing] of the spec. All ports belong to this clock.
create_clock -name clk -period ${ period }$ [get_ports ${ clock }$]
<%- if link %>
# The serial port belongs to no clock.
set_false_path -from [get_ports uart_rx]
set_false_path -to [get_ports uart_tx]
<%- else %>
# A fifth of the period is left for what is around the design.
set_input_delay ${ delay }$ -clock clk [all_inputs]
set_output_delay ${ delay }$ -clock clk [all_outputs]
<%- endif %>
