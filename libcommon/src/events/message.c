/* not written yet */ typedef int cc_placeholder;
