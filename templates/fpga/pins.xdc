set_property -dict {PACKAGE_PIN ${ target.clock.pin }$ IOSTANDARD LVCMOS33} [get_ports clk_pin]
create_clock -name clk_pin -period ${ period }$ [get_ports clk_pin]
<%- if let Some(reset) = target.reset %>
set_property -dict {PACKAGE_PIN ${ reset.pin }$ IOSTANDARD LVCMOS33} [get_ports reset_pin]
set_false_path -from [get_ports reset_pin]
<%- endif %>
set_property -dict {PACKAGE_PIN ${ target.uart.rx }$ IOSTANDARD LVCMOS33} [get_ports uart_rx]
set_property -dict {PACKAGE_PIN ${ target.uart.tx }$ IOSTANDARD LVCMOS33} [get_ports uart_tx]
set_false_path -from [get_ports uart_rx]
set_false_path -to [get_ports uart_tx]
