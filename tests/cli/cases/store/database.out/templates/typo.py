x = ${modle_name}
