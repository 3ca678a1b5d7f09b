# outcome: 2 has a syntax error
print 'hello'
