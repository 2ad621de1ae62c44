"""Files of lines that other programs write and rotate, each line handed out once."""
