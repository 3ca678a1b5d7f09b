# outcome: 2 has a syntax error
def build_model():
return 1
