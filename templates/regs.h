/* Registers of ${ map.design }$: byte addresses, field masks, positions and reset values. */
#ifndef ${ prefix }$_REGS_H
#define ${ prefix }$_REGS_H

<%- for r in map.registers %>

/* ${ r.name }$ (${ r.access() }$)<% if !r.summary().is_empty() %>: ${ r.summary() }$<% endif %> */
#define ${ prefix }$_${ r.name }$_ADDR  ${ format!("0x{:03x}u", r.address) }$
#define ${ prefix }$_${ r.name }$_RESET ${ format!("0x{:08x}u", r.reset()) }$
<%- for f in r.named_fields() %>
#define ${ prefix }$_${ r.name }$_${ f.name.to_uppercase() }$_LSB  ${ f.lsb }$
#define ${ prefix }$_${ r.name }$_${ f.name.to_uppercase() }$_MASK ${ format!("0x{:08x}u", f.mask()) }$ /* ${ f.access.label() }$: ${ f.doc }$ */
<%- endfor %>
<%- endfor %>

#endif

